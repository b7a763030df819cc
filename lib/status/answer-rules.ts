import { type IpFamily } from '../model/address.js'
import { type RuleTables } from '../netfilter/rule-tables.js'
import { FairTurns } from './fair-turns.js'
import { type RuleView, ownedRules, ruleView } from './rule-view.js'
import { unknownName } from './status-query-error.js'

/** Which rules of the proxy a request asks for. */
export interface RuleQuery {
  /** Undefined: those of all tables. */
  readonly table: string | undefined
  /** Undefined: those of all chains. */
  readonly chain: string | undefined
  readonly limit: number
}

/**
 * The rules that a request asks for, up to its limit, and whether there are more. Only these get their sentences: with 5,000 Services there
 * are 160,000 rules.
 * @param isOwned whether the mode that serves owns a chain
 * @throws StatusQueryError if no rule of the proxy is in the table or the chain
 */
export async function answerRules(
  read: readonly (readonly [IpFamily, RuleTables])[],
  { table, chain, limit }: RuleQuery,
  isOwned: (table: string, chain: string) => boolean,
): Promise<{ readonly items: readonly RuleView[]; readonly hasMore: boolean }> {
  const turns = new FairTurns()
  const [tables, chains] = [new Set<string>(), new Set<string>()]
  const items: RuleView[] = []
  let hasMore = false
  for (const [family, rules] of read)
    for (const rule of ownedRules(rules, isOwned)) {
      await turns.count(1)
      tables.add(rule.table)
      if (rule.table !== (table ?? rule.table)) continue
      chains.add(rule.chain)
      if (rule.chain !== (chain ?? rule.chain)) continue
      if (items.length < limit) items.push(ruleView(family, rules, rule))
      else hasMore = true
    }
  const what = 'with rules of this proxy'
  if (table !== undefined && !tables.has(table)) throw unknownName(`table ${what}`, table, [...tables])
  if (chain !== undefined && !chains.has(chain)) throw unknownName(`chain ${what}`, chain, [...chains])
  return { items, hasMore }
}
