import { detectRuleSettings } from '../detect-rule-settings.js'
import { KERNEL_NODE_WAIT, type Mode, type ModeResources, commonProxierOptions } from '../mode.js'
import { IPTABLES_CHAINS } from './chains.js'
import { forecastIptables } from './forecast.js'
import { iptablesProbeRules } from './probe.js'
import { IptablesProxier } from './proxier.js'
import { iptablesWalkthrough } from './walkthrough.js'

/** Rules in the kernel translate packets to endpoints; no connection passes through this program. */
export const iptablesMode = {
  name: 'iptables',
  carriedBy: 'kernel',
  isProbedAlone: true,
  nodeWait: KERNEL_NODE_WAIT,
  chains: IPTABLES_CHAINS,
  walkthrough: iptablesWalkthrough,
  syncPeriods: config => ({ syncPeriod: config.iptablesSyncPeriod, minSyncPeriod: config.iptablesMinSyncPeriod }),
  // Another mode of the list can serve Services with session affinity if this one cannot.
  probeRules: (config, family) => iptablesProbeRules(family, config.modes.length > 1),
  forecast: forecastIptables,
  async createProxier(resources: ModeResources) {
    const { config, kernel } = resources
    return new IptablesProxier({
      ...commonProxierOptions(resources),
      settings: await detectRuleSettings(config, kernel.iptables),
      allowRouteLocalnet: () => kernel.allowRouteLocalnet(),
    })
  },
} satisfies Mode
