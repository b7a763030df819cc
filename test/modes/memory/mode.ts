import { KERNEL_NODE_WAIT, type Mode } from '../../../lib/modes/mode.js'
import { RuleWriter } from '../../../lib/modes/rule-writer.js'
import { MemoryFamily } from './family.js'
import { MEMORY_CHAIN } from './plan.js'
import { MemoryModeProxier } from './proxier.js'

/**
 * A fourth mode. It proves that a mode needs only its own folder and an entry in the list of modes. It has one rule for each address
 * of a Service.
 */
export const memoryMode: Mode = {
  name: 'memory',
  carriedBy: 'kernel',
  isProbedAlone: true,
  nodeWait: KERNEL_NODE_WAIT,
  chains: new Map([['nat', { names: [MEMORY_CHAIN], prefixes: [] }]]),
  walkthrough: {
    clusterIPText: 'One rule translates that address.',
    rulesText: 'The rule sends packets to the first endpoint.',
    rulesCommand: `iptables -t nat -L ${MEMORY_CHAIN}`,
    readRules: async node => (await node.run('iptables', ['-t', 'nat', '-L', MEMORY_CHAIN])).stdout,
    readCount: () => Promise.resolve(0),
    counterDelayMs: 0,
    counterText: 'Nothing is counted.',
    counterName: 'nothing',
    balancingText: 'The first endpoint answers every request.',
    isRoundRobin: false,
    clientAddressText: 'The Pod sees the client.',
    deadPodText: 'A dead Pod gets requests until its endpoint is gone.',
    losesRequestsToDeadPods: true,
    scaleUpText: 'no rule has changed',
    scaleUpChangesRules: false,
    noEndpointsText: 'There is no rule without an endpoint.',
    udpText: 'the kernel translates the first datagram, and remembers the flow.',
    suggestions: [['the rules', `iptables -t nat -L ${MEMORY_CHAIN}`]],
    syncSigns: { verbosity: 4, endpointsAreLogged: false, served: [/"Synced rules"/] },
  },
  syncPeriods: config => ({ syncPeriod: config.iptablesSyncPeriod, minSyncPeriod: config.iptablesMinSyncPeriod }),
  probeRules: (_config, family) => {
    const address = family === 'IPv4' ? '192.0.2.1' : '2001:db8::1'
    return new Map([['nat', [{ protocol: 'TCP', destinationPort: 80, target: { kind: 'DNAT', address, port: 1 } }]]])
  },
  createProxier({ kernel, chainOwners, log }) {
    const writers = kernel.iptables.map(each => new RuleWriter(each, ['nat'], chainOwners, log))
    return Promise.resolve(new MemoryModeProxier(writers.map(writer => new MemoryFamily(writer))))
  },
}
