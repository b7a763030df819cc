import { type IpFamily } from '../model/address.js'
import { targetOf } from '../netfilter/iptables-save.js'
import { type RuleTables } from '../netfilter/rule-tables.js'
import { ruleLine } from '../netfilter/walk/rule-parts.js'
import { ruleSentence } from '../netfilter/walk/rule-sentence.js'

/** One rule in the kernel. */
export interface RuleView {
  readonly family: IpFamily
  readonly table: string
  readonly chain: string
  /** Its place in its chain, from 1. */
  readonly position: number
  /** As iptables-save prints it. */
  readonly rule: string
  /** What it does, in words. */
  readonly sentence: string
  /** What the kernel has counted at it; null: it does not say. */
  readonly packets: number | null
  readonly bytes: number | null
}

/**
 * The rules of the proxy: those in its chains, and those of other chains that lead there.
 * @param isOwned whether the mode that serves owns a chain
 */
export function ruleViews(
  family: IpFamily,
  rules: RuleTables,
  isOwned: (table: string, chain: string) => boolean,
): RuleView[] {
  const views: RuleView[] = []
  for (const [table, chains] of rules.tables) {
    for (const [chain, all] of chains) {
      for (const [index, args] of all.entries()) {
        if (!isOwned(table, chain) && !isOwned(table, targetOf(args) ?? '')) continue
        const { packets = null, bytes = null } = rules.counter(args) ?? {}
        const sentence = ruleSentence(args, name => chains.has(name))
        const place = { family, table, chain, position: index + 1 }
        views.push({ ...place, rule: ruleLine({ chain, args }), sentence, packets, bytes })
      }
    }
  }
  return views
}
