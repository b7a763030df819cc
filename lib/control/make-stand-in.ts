import { discardEvents } from '../model/event-sink.js'
import { type Log } from '../model/log.js'
import { type IptablesSettings } from '../modes/iptables/rule-context.js'
import { type IptablesPrograms } from '../system/iptables.js'
import { realClock } from '../system/real-clock.js'
import { KernelFailover } from '../failover/kernel-failover.js'
import { type ProxierParts, createIptablesProxier } from './make-proxier.js'

/** What has the kernel take over at the end. Of Services it tells nothing: the proxier that serves them does. */
export function createKernelFailover(
  settings: IptablesSettings,
  iptables: readonly IptablesPrograms[],
  parts: ProxierParts,
): KernelFailover {
  const { node, log } = parts
  const errorsOnly: Log = {
    info: () => undefined,
    warn: () => undefined,
    error: (...args) => log.error(...args),
    enabled: () => false,
  }
  return new KernelFailover({
    proxier: createIptablesProxier(settings, { ...parts, events: discardEvents, log: errorsOnly }),
    iptables,
    routesLocalnet: () => node.servesNodePortsOnLoopback('IPv4'),
    clock: realClock,
    log,
  })
}
