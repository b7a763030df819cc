import { type RuleTables } from '../netfilter/rule-tables.js'
import { type RulePlace } from '../netfilter/walk/packet-path.js'
import { readRule } from '../netfilter/walk/read-rule.js'
import { type ConditionQuestion, type ReadRule } from '../netfilter/walk/rule-condition.js'

/** What a rule may ask without asking who sends. */
const SENDERLESS: ReadonlySet<ConditionQuestion['kind']> = new Set([
  ...(['destination', 'destination range', 'destination port', 'destination type', 'protocol'] as const),
  ...(['original destination', 'original port', 'connection', 'TCP flags', 'fragment'] as const),
])

/**
 * Whether rules meet the packets of each sender: neither they, nor a rule before them in their chains, ask who sends. A firewall that
 * lets some senders in, and a NetworkPolicy, are meant to turn the others away.
 * @param places the rules that have applied; a position behind the end of a chain stands for its policy
 */
export function isForEachSender(
  places: readonly Pick<RulePlace, 'table' | 'chain' | 'position'>[],
  rules: RuleTables,
  isOwn: (table: string, chain: string) => boolean,
): boolean {
  return places.every(({ table, chain, position }) => {
    if (isOwn(table, chain)) return true
    const ofChain = (rules.chain(table, chain) ?? []).map(readRule)
    const own = ofChain[position - 1]
    const isHarmless = ({ conditions, action }: ReadRule): boolean => {
      if (action.kind === 'none') return true
      // What stands in a chain of another program is not followed.
      if (action.kind === 'jump' || action.kind === 'goto') return isOwn(table, action.chain)
      return conditions.every(isSenderless)
    }
    return (own === undefined || own.conditions.every(isSenderless)) && ofChain.slice(0, position - 1).every(isHarmless)
  })
}

function isSenderless({ kind }: ConditionQuestion): boolean {
  return SENDERLESS.has(kind)
}
