import { type Keyed } from '../primitives/keyed-list.js'
import { type Rule, type RuleTree } from './rule-set.js'

/** A longer list gets a chain of its own: packets to neighbours are then compared with one rule instead of all. */
const MAX_INLINE_RULES = 2

/** The rules for packets to one address or port. */
export interface RuleList<Id> extends Keyed {
  readonly id: Id
  /** The rules in the tree: the list itself, or one jump to its chain. */
  readonly rules: readonly Rule[]
  readonly chain?: { readonly name: string; readonly rules: readonly Rule[] }
}

/**
 * Builds the list of rules for one address or port.
 *
 * @param match the address or port; it is added to every rule that does not have it
 * @param getChainName gives the chain's name; called only if the list needs a chain
 * @returns undefined if there are no rules
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

/** Adds the chains of the lists to a tree. */
export function addListChains({ root, chains }: RuleTree, lists: readonly RuleList<unknown>[]): RuleTree {
  const all = new Map(chains)
  for (const { chain } of lists) if (chain !== undefined) all.set(chain.name, chain.rules)
  return { root, chains: all }
}
