import { programVersion } from '../measure/program-version.js'
import { servicesOf } from '../site/bench-service.js'
import { clusterAddress, type Contender } from './contender.js'
import { clearRules, dnatToEndpoints, restoreRules } from './kernel-rules.js'

/** The kernel translates addresses by rules, as in kube-proxy's iptables mode: no process is in the way. */
export const dnat: Contender = {
  name: 'dnat',
  title: 'kernel DNAT',
  missing: () => undefined,
  version: () => programVersion('iptables', ['--version']),
  async start(site, size) {
    const startedAt = Date.now()
    await restoreRules(site, dnatToEndpoints(servicesOf(size)))
    const programming = { startedAt, listedAt: undefined, programmedAt: Date.now() }
    return {
      pids: [],
      addressOf: clusterAddress,
      programmed: () => Promise.resolve(programming),
      api: undefined,
      stop: () => clearRules(site),
    }
  },
}
