import { programVersion } from '../measure/program-version.js'
import { makeServices } from '../testbed/bench-service.js'
import { clusterIPAddress, type Contender } from './contender.js'
import { removeAllRules, dnatToEndpoints, restoreRules } from './kernel-rules.js'

/** The kernel translates addresses by rules, as in kube-proxy's iptables mode, without a process. */
export const dnat: Contender = {
  name: 'dnat',
  title: 'kernel DNAT',
  unavailableReason: () => undefined,
  version: () => programVersion('iptables', ['--version']),
  async start(site, size) {
    const startedAt = Date.now()
    await restoreRules(site, dnatToEndpoints(makeServices(size)))
    const programming = { startedAt, listedAt: undefined, programmedAt: Date.now() }
    return {
      pids: [],
      addressOf: clusterIPAddress,
      waitUntilProgrammed: () => Promise.resolve(programming),
      api: undefined,
      stop: () => removeAllRules(site),
    }
  },
}
