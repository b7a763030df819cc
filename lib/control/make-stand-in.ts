import { silentEvents } from '../model/event-sink.js'
import { type Log } from '../model/log.js'
import { type IptablesSettings } from '../modes/iptables/rule-context.js'
import { type IptablesPrograms } from '../system/iptables.js'
import { realClock } from '../system/real-clock.js'
import { KernelStandIn } from './kernel-stand-in.js'
import { type ProxierParts, makeIptablesProxier } from './make-proxier.js'

/** What has the kernel take over at the end. Of Services it tells nothing: the proxier that serves them does. */
export function makeStandIn(
  settings: IptablesSettings,
  iptables: readonly IptablesPrograms[],
  parts: ProxierParts,
): KernelStandIn {
  const { node, log } = parts
  const quiet: Log = {
    info: () => undefined,
    warn: () => undefined,
    error: (...told) => log.error(...told),
    enabled: () => false,
  }
  return new KernelStandIn({
    proxier: makeIptablesProxier(settings, { ...parts, events: silentEvents, log: quiet }),
    iptables,
    routesLocalnet: () => node.servesNodePortsOnLoopback('IPv4'),
    clock: realClock,
    log,
  })
}
