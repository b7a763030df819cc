import { messageOf } from '../model/failure.js'
import { removalInput, restoreInput } from '../netfilter/iptables-restore.js'
import { type RuleSet } from '../netfilter/rule-set.js'
import { type Iptables } from '../system/iptables.js'
import { type ProbeRules, PROBE_CHAIN } from './mode-probe-rules.js'

/**
 * Tries whether the kernel takes rules, in a chain that nothing leads to and that is gone afterwards.
 * @returns why not, with what is missing; undefined: it does
 */
export async function probeRules(required: ProbeRules, iptables: Iptables): Promise<string | undefined> {
  const desired: RuleSet = {
    family: iptables.family,
    tables: new Map(
      [...required].map(([table, rules]) => [table, { chains: new Map([[PROBE_CHAIN, rules]]), links: [] }]),
    ),
  }
  const chains = new Map([...required.keys()].map(table => [table, [PROBE_CHAIN]]))
  const observed = new Map([...required.keys()].map(table => [table, new Map([[PROBE_CHAIN, []]])]))
  try {
    await iptables.restore(restoreInput(desired, new Map()).text)
    await iptables.restore(removalInput(chains, observed))
    return undefined
  } catch (error) {
    return `${iptables.family}: ${messageOf(error)}`
  }
}
