import { detectRuleSettings } from '../detect-rule-settings.js'
import { KERNEL_NODE_WAIT, type Mode, commonProxierOptions } from '../mode.js'
import { IPVS_CHAINS } from './chains.js'
import { cleanupIpvsMode } from './cleanup.js'
import { createIpvsDrain } from './drain.js'
import { forecastIpvs } from './forecast.js'
import { IPVS_PROBE_RULES, ipvsRequirements } from './probe.js'
import { IpvsProxier } from './proxier.js'
import { ipvsWalkthrough } from './walkthrough.js'

/** IPVS, the load balancer of the kernel, carries connections. This program configures its virtual and real servers. */
export const ipvsMode: Mode = {
  name: 'ipvs',
  carriedBy: 'kernel',
  isProbedAlone: true,
  nodeWait: KERNEL_NODE_WAIT,
  chains: IPVS_CHAINS,
  walkthrough: ipvsWalkthrough,
  syncPeriods: ({ kernelModes: { ipvs } }) => ({ syncPeriod: ipvs.syncPeriod, minSyncPeriod: ipvs.minSyncPeriod }),
  probeRules: () => IPVS_PROBE_RULES,
  requirements: ({ kernelModes: { ipvs } }, kernel) => ipvsRequirements(ipvs.scheduler, kernel),
  forecast: forecastIpvs,
  async createProxier(resources) {
    const { config, kernel, clock } = resources
    const { ipvs } = config.kernelModes
    const { scheduler, excludeCIDRs, strictARP, tcpTimeout, tcpFinTimeout, udpTimeout } = ipvs
    return new IpvsProxier({
      ...commonProxierOptions(resources),
      ipvs: kernel.ipvs,
      sets: kernel.ipSets,
      dummy: kernel.dummyInterface,
      settings: { ...(await detectRuleSettings(config, kernel.iptables)), scheduler },
      excludeCIDRs,
      applySettings: () => kernel.applyIpvsSettings(strictARP),
      timeouts: { tcp: ceilSeconds(tcpTimeout), tcpFin: ceilSeconds(tcpFinTimeout), udp: ceilSeconds(udpTimeout) },
      maxStateAgeMs: ipvs.syncPeriod,
      clock,
    })
  },
  initKernel: ({ kernelModes: { ipvs } }, kernel) => kernel.applyIpvsSettings(ipvs.strictARP),
  cleanup: cleanupIpvsMode,
  drain: createIpvsDrain,
}

/** Rounds up, because 0 would keep the kernel's own timeout. */
function ceilSeconds(ms: number): number {
  return Math.ceil(ms / 1000)
}
