import { type Keyed } from '../primitives/keyed-list.js'
import { type Rule, type RuleTree } from './rule-set.js'

/** What has more rules gets a chain of its own: then packets to its neighbours are compared with one of them. */
const MAX_INLINE_RULES = 2

/** The rules for packets to one address or port. */
export interface RuleList<Id> extends Keyed {
  readonly id: Id
  /** Those that stand in the tree: its own, or one that jumps to its chain. */
  readonly rules: readonly Rule[]
  readonly chain?: { readonly name: string; readonly rules: readonly Rule[] }
}

/**
 * @param match what each of the rules asks of a packet, whether it says so or not
 * @param getChainName the chain's name, asked for where there is to be one
 * @returns undefined where there are no rules
 */
export function ruleList<Id>(
  id: Id,
  key: string,
  rules: readonly Rule[],
  match: Omit<Rule, 'target'>,
  getChainName: () => string,
): RuleList<Id> | undefined {
  if (rules.length === 0) return undefined
  const fields = Object.entries(match) as [keyof Rule, unknown][]
  const matchingRules = rules.map(rule =>
    fields.every(([field, value]) => rule[field] === value) ? rule : { ...rule, ...match },
  )
  if (rules.length <= MAX_INLINE_RULES) return { id, key, rules: matchingRules }
  const chain = { name: getChainName(), rules: matchingRules }
  return { id, key, rules: [{ ...match, target: { kind: 'jump', chain: chain.name } }], chain }
}

/** A tree of such lists with the chains of their own. */
export function addListChains({ root, chains }: RuleTree, lists: readonly RuleList<unknown>[]): RuleTree {
  const all = new Map(chains)
  for (const { chain } of lists) if (chain !== undefined) all.set(chain.name, chain.rules)
  return { root, chains: all }
}
