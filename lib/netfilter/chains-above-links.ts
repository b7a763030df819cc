import { iptablesArgs } from './iptables-args.js'
import { type ObservedRules } from './iptables-save.js'
import { reachableChains, targetsAbove } from './is-bypassed.js'
import { type RuleSet } from './rule-set.js'

/**
 * The chains of other programs that decide whether our links are bypassed, as `table chain`: those that rules above a link lead to,
 * where the link must stand above rules that accept packets.
 */
export function chainsAboveLinks({ family, tables }: RuleSet, observed: ObservedRules): Set<string> {
  const found = new Set<string>()
  for (const [name, { links, chains }] of tables) {
    const table = observed.get(name)
    if (table === undefined) continue
    for (const { chain, staysAbove, rule } of links) {
      if (staysAbove !== 'acceptance') continue
      for (const target of targetsAbove(chain, iptablesArgs(rule, family), table, chains))
        for (const reached of reachableChains(target, table)) found.add(`${name} ${reached}`)
    }
  }
  return found
}
