import { type Rule } from './rule-set.js'

/** A rule, and the table that it is for. */
export type RuleInTable = readonly [table: string, rule: Rule]

/**
 * What a rule needs of the kernel: rules of one kind need the same matches and targets, whatever their addresses, ports and names
 * are. A kernel that accepts a rule accepts the others of its kind.
 */
export function ruleKind([table, { comment, not = {}, target, ...match }]: RuleInTable): string {
  const matches = Object.entries(match).map(([field, value]) => `${field}${detailOf(field as keyof Rule, value)}`)
  const negated = Object.entries(not).map(([field, value]) => `not ${field}${detailOf(field as keyof Rule, value)}`)
  const targetDetail = 'with' in target ? ` ${target.with}` : 'randomPort' in target ? ` ${target.randomPort}` : ''
  return [
    table,
    ...matches.sort(),
    ...negated.sort(),
    target.kind + targetDetail,
    comment === undefined ? '' : 'comment',
  ]
    .filter(part => part !== '')
    .join(', ')
}

function detailOf(field: keyof Rule, value: unknown): string {
  if (field === 'protocol' || field === 'connection') return ` ${String(value)}`
  return field === 'recent' ? ` ${(value as NonNullable<Rule['recent']>).action}` : ''
}
