import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** One alert of a rules file. */
export interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** A rules file. */
export interface RulesFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly AlertRule[] }[]
}

export const ALERTS_FILE = 'deploy/prometheus/alerts.yaml'

/** The alert rules that are shipped. */
export function readAlertRules(): RulesFile {
  return parse(readFileSync(ALERTS_FILE, 'utf8')) as RulesFile
}

/**
 * The rules without delays: an alert fires at the first evaluation at which its expression holds.
 * @param thresholds by alert, where a test would need minutes or gigabytes to reach it: a part of the expression, and what replaces it
 */
export function withoutDelay(
  { groups }: RulesFile,
  thresholds: Readonly<Record<string, readonly [from: string, to: string]>> = {},
): RulesFile {
  const change = (rule: AlertRule): AlertRule => {
    const [from, to] = thresholds[rule.alert] ?? ['', '']
    if (!rule.expr.includes(from)) throw new Error(`${rule.alert} has no "${from}"`)
    return { ...rule, for: '0s', expr: rule.expr.replace(from, to) }
  }
  return { groups: groups.map(group => ({ ...group, rules: group.rules.map(change) })) }
}
