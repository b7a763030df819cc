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

/** A rule of the proxy: one in its chains, or one of another chain that leads there. */
export interface OwnedRule extends Pick<RuleView, 'table' | 'chain' | 'position'> {
  readonly args: readonly string[]
}

/**
 * Finds the rules of the proxy.
 * @param isOwned whether the mode that serves owns a chain
 */
export function* ownedRules(
  rules: RuleTables,
  isOwned: (table: string, chain: string) => boolean,
): Generator<OwnedRule> {
  for (const [table, chains] of rules.tables) {
    for (const [chain, all] of chains) {
      const isOwn = isOwned(table, chain)
      for (const [index, args] of all.entries())
        if (isOwn || isOwned(table, targetOf(args) ?? '')) yield { table, chain, position: index + 1, args }
    }
  }
}

/** What a rule does, and what the kernel has counted there. */
export function ruleView(family: IpFamily, rules: RuleTables, { args, ...place }: OwnedRule): RuleView {
  const { packets = null, bytes = null } = rules.counter(args) ?? {}
  const sentence = ruleSentence(args, name => rules.chain(place.table, name) !== undefined)
  return { family, ...place, rule: ruleLine({ chain: place.chain, args }), sentence, packets, bytes }
}
