import { messageOf } from '../model/failure.js'
import { type ProxyMode } from '../model/proxy-mode.js'
import { removalText, restoreText } from '../rules/restore-text.js'
import { type RuleSet } from '../rules/rule-set.js'
import { type Iptables } from '../system/iptables.js'
import { type ModeNeeds, PROBE_CHAIN, RANDOM_PORTS, needsOf } from './mode-needs.js'

/**
 * Tries whether the kernel takes every kind of rule that a mode writes, in a chain that nothing leads to and that is gone
 * afterwards.
 * @returns why not, with what is missing; undefined: it does
 */
export async function whyRulesCannotBeHad(mode: ProxyMode, iptables: Iptables): Promise<string | undefined> {
  return tryRules(needsOf(mode, iptables.family), iptables)
}

/** Whether masqueraded packets may have a random source port: iptables knows that since 1.6.2, and needs a kernel that does. */
export async function takesRandomPorts(iptables: Iptables): Promise<boolean> {
  return (await tryRules(RANDOM_PORTS, iptables)) === undefined
}

async function tryRules(needs: ModeNeeds, iptables: Iptables): Promise<string | undefined> {
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
