import { messageOf } from '../model/failure.js'
import { removalText, restoreText } from '../rules/restore-text.js'
import { type RuleSet } from '../rules/rule-set.js'
import { type Iptables } from '../system/iptables.js'
import { type ModeNeeds, PROBE_CHAIN } from './mode-needs.js'

/**
 * Tries whether the kernel takes rules, in a chain that nothing leads to and that is gone afterwards.
 * @returns why not, with what is missing; undefined: it does
 */
export async function tryRules(needs: ModeNeeds, iptables: Iptables): Promise<string | undefined> {
  const wanted: RuleSet = {
    family: iptables.family,
    tables: new Map(
      [...needs].map(([table, rules]) => [table, { chains: new Map([[PROBE_CHAIN, rules]]), links: [] }]),
    ),
  }
  const chains = new Map([...needs.keys()].map(table => [table, [PROBE_CHAIN]]))
  const found = new Map([...needs.keys()].map(table => [table, new Map([[PROBE_CHAIN, []]])]))
  try {
    await iptables.restore(restoreText(wanted, new Map()).text)
    await iptables.restore(removalText(chains, found))
    return undefined
  } catch (error) {
    return `${iptables.family}: ${messageOf(error)}`
  }
}
