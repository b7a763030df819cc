import { type KubeProxyConfig } from '../../config/kube-proxy-config.js'
import { type Log } from '../../model/log.js'
import { type Conntrack } from '../../system/conntrack.js'
import { type ObservedServer, type IpvsChange } from '../../system/ipvs-text.js'
import { deleteStaleFlows } from '../delete-stale-flows.js'
import { type DrainState, type ModeDrain } from '../mode-drain.js'
import { type KernelTools } from '../../system/kernel-tools.js'
import { type IpvsCleanupOptions, cleanupIpvs, hasIpvsInterface, ipvsCleanupOptions } from './cleanup.js'
import { DRAIN_CHECK_MS } from './proxier.js'
import { serverLeftovers } from './leftovers.js'

export interface IpvsDrainOptions extends IpvsCleanupOptions {
  readonly conntrack: Conntrack
  readonly log: Log
}

/**
 * Takes away what ipvs mode has left, as far as no open connection needs it: a virtual server that goes takes its connections
 * along. The rules of another mode lead all new ones already, so that each call finds fewer. UDP knows no connections: the kernel
 * forgets the flows, and the rules are asked for their next datagram.
 *
 * @throws ProxyFailure when something could not be removed
 */
export async function drainIpvs(options: IpvsDrainOptions): Promise<DrainState> {
  const { ipvs, sets, dummy, excludeCIDRs, nodeAddresses } = options
  const addresses = (await dummy.read()) ?? new Set<string>()
  const servers = serverLeftovers(
    { servers: await ipvs.list(), sets: await sets.read(), addresses },
    excludeCIDRs,
    nodeAddresses,
  )
  await deleteFlowsTo(
    servers.filter(({ protocol }) => protocol === 'UDP'),
    options,
  )
  const busy = new Set(servers.filter(hasConnections))
  if (busy.size === 0) return (await cleanupIpvs(options)) ? 'all removed' : 'nothing there'
  await ipvs.change(servers.flatMap(server => (busy.has(server) ? zeroWeights(server) : [{ kind: 'delete', server }])))
  const neededAddresses = new Set([...busy].map(({ address }) => address))
  await dummy.change(
    [],
    [...addresses].filter(address => !neededAddresses.has(address)),
  )
  return { draining: { virtualServers: busy.size } }
}

function hasConnections({ protocol, realServers }: ObservedServer): boolean {
  return protocol !== 'UDP' && realServers.some(({ connections }) => connections > 0)
}

/** No new connection goes to an endpoint of weight 0. */
function zeroWeights(server: ObservedServer): IpvsChange[] {
  const active = server.realServers.filter(({ weight }) => weight > 0)
  return active.map(real => ({ kind: 'edit real', server, real: { ...real, weight: 0 } }))
}

async function deleteFlowsTo(servers: readonly ObservedServer[], options: IpvsDrainOptions): Promise<void> {
  if (servers.length === 0) return
  const expectedFlows = { targets: [], removed: servers, nodeAddresses: new Set<string>() }
  for (const family of ['IPv4', 'IPv6'] as const)
    await deleteStaleFlows(options.conntrack, family, () => expectedFlows, options.log)
}

/** The draining of ipvs mode after a switch to another mode. It finds nothing where the mode has never been. */
export function createIpvsDrain(config: KubeProxyConfig, kernel: KernelTools, log: Log): ModeDrain {
  return {
    periodMs: DRAIN_CHECK_MS,
    async step() {
      if (!hasIpvsInterface(kernel)) return 'nothing there'
      const options = ipvsCleanupOptions(kernel, config.kernelModes.ipvs.excludeCIDRs)
      return drainIpvs({ ...options, conntrack: kernel.conntrack, log })
    },
  }
}
