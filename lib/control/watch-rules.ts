import { type Log } from '../model/log.js'
import { type Mode } from '../modes/mode.js'
import { PROBE_CHAIN } from '../modes/probe-rules.js'
import { concernsChainsOf } from '../netfilter/foreign-changes.js'
import { type IptablesPrograms } from '../system/iptables.js'
import { realClock } from '../system/real-clock.js'
import { RuleMonitor } from '../system/rule-monitor.js'

/**
 * Starts to watch for changes of rules by other programs, where the kernel carries the traffic: there may be so many rules that reading
 * them takes seconds.
 * @returns undefined if rules are read every few seconds anyway, or if their back end cannot be watched
 */
export function watchRules(mode: Mode, iptables: readonly IptablesPrograms[], log: Log): RuleMonitor | undefined {
  if (mode.carriedBy !== 'kernel' || !iptables.every(({ canBeMonitored }) => canBeMonitored)) return undefined
  const monitor = new RuleMonitor({
    concernsUs: concernsChainsOf(mode.chains),
    makeChange: () => iptables[0]!.restore(`*filter\n:${PROBE_CHAIN} - [0:0]\n-X ${PROBE_CHAIN}\nCOMMIT\n`),
    clock: realClock,
    log,
  })
  for (const each of iptables) each.monitor = monitor
  monitor.start()
  return monitor
}
