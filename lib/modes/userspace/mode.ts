import { type Mode, commonProxierOptions } from '../mode.js'
import { USERSPACE_CHAINS } from './chains.js'
import { forecastUserspace } from './forecast.js'
import { PortAllocator } from './port-allocator.js'
import { userspaceProbeRules } from './probe.js'
import { UserspaceProxier } from './proxier.js'
import { httpPortsOf } from './reserved-ports.js'
import { userspaceWalkthrough } from './walkthrough.js'

/** Rules that other programs have changed are repaired within five seconds, also where the kernel does not report changes. */
const CHECK_PERIOD_MS = 4000

/** Sockets of this program carry every connection. Rules translate the addresses of Services to the ports of these sockets. */
export const userspaceMode: Mode = {
  name: 'userspace',
  carriedBy: 'sockets',
  isProbedAlone: false,
  // Nothing is served during the wait, so a missing Node must not cause an outage.
  nodeWait: { timeoutMs: 5000, then: 'serve' },
  chains: USERSPACE_CHAINS,
  walkthrough: userspaceWalkthrough,
  syncPeriods: ({ iptablesSyncPeriod, iptablesMinSyncPeriod }) => ({
    syncPeriod: iptablesSyncPeriod,
    minSyncPeriod: iptablesMinSyncPeriod,
    checkPeriod: Math.min(iptablesSyncPeriod, CHECK_PERIOD_MS),
  }),
  probeRules: (_config, family) => userspaceProbeRules(family),
  forecast: forecastUserspace,
  createProxier(resources) {
    const { config, dataPlane, loopbackObserver, node, proxyPortObserver, random } = resources
    if (dataPlane === undefined) throw new Error('userspace mode needs a data plane')
    const portAllocator = new PortAllocator(config.portRange, random)
    const common = commonProxierOptions(resources)
    return Promise.resolve(
      new UserspaceProxier({
        ...common,
        servesNodeAddresses: config.allowNodeAddressEndpoints,
        podAddresses: family => node.getPodAddresses(family),
        httpPorts: httpPortsOf([config.healthzBindAddress, config.metricsBindAddress]),
        loopbackObserver,
        proxyPortObserver,
        dataPlane,
        portAllocator,
      }),
    )
  },
}
