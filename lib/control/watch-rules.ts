import { type Log } from '../model/log.js'
import { PROBE_CHAIN } from '../modes/probe-rules.js'
import { concernsChainsOf } from '../netfilter/foreign-changes.js'
import { type OwnedChains } from '../netfilter/stale-chains.js'
import { type IptablesPrograms } from '../system/iptables.js'
import { realClock } from '../system/real-clock.js'
import { RuleMonitor } from '../system/rule-monitor.js'

/**
 * Starts to watch for changes of rules by other programs: a read of all rules takes seconds where there are many, and a noticeable part
 * of a CPU where it is repeated every few seconds.
 * @param chains the chains of the mode that serves
 * @returns undefined if the kernel does not report changes of this back end: then rules are read to notice them
 */
export function watchRules(
  chains: OwnedChains,
  iptables: readonly IptablesPrograms[],
  log: Log,
): RuleMonitor | undefined {
  if (!iptables.every(({ canBeMonitored }) => canBeMonitored)) return undefined
  const monitor = new RuleMonitor({
    concernsUs: concernsChainsOf(chains),
    makeChange: () => iptables[0]!.restore(`*filter\n:${PROBE_CHAIN} - [0:0]\n-X ${PROBE_CHAIN}\nCOMMIT\n`),
    clock: realClock,
    log,
  })
  for (const each of iptables) each.monitor = monitor
  monitor.start()
  return monitor
}
