import { type KubeProxyConfig } from '../../config/kube-proxy-config.js'
import { IP_FAMILIES, type IpFamily } from '../../model/address.js'
import { type Log } from '../../model/log.js'
import { OnceReporter } from '../../primitives/once-reporter.js'
import { type Conntrack } from '../../system/conntrack.js'
import { type ObservedServer, type IpvsChange } from '../../system/ipvs-text.js'
import { deleteStaleFlows } from '../delete-stale-flows.js'
import { type KernelTools } from '../../system/kernel-tools.js'
import { type DrainState, type ModeDrain } from '../mode.js'
import { type IpvsCleanupOptions, cleanupIpvs, hasIpvsInterface, ipvsCleanupOptions } from './cleanup.js'
import { DRAIN_CHECK_MS } from './proxier.js'
import { serverLeftovers } from './leftovers.js'

export interface IpvsDrainOptions extends IpvsCleanupOptions {
  readonly conntrack: Conntrack
  /** Report once for each family that flows could not be deleted. */
  readonly flowProblems: Readonly<Record<IpFamily, OnceReporter>>
  readonly log: Log
}

/**
 * Removes what ipvs mode left, except what open connections need: removing a virtual server breaks its connections. The rules of
 * another mode already handle all new connections, so their number only falls. UDP has no connections; the flows are deleted, and
 * the new rules apply to the next datagrams.
 *
 * @throws ProxyFailure if something could not be removed
 */
export async function drainIpvs(options: IpvsDrainOptions): Promise<DrainState> {
  const { ipvs, sets, dummy, excludeCIDRs, nodeAddresses } = options
  const addresses = (await dummy.read()) ?? new Set<string>()
  const servers = serverLeftovers(
    { servers: await ipvs.list(), sets: await sets.read(), addresses },
    excludeCIDRs,
    nodeAddresses,
  )
  const udpServers = servers.filter(({ protocol }) => protocol === 'UDP')
  // Without its virtual server a flow could not be recognised any more.
  if (!(await deleteFlowsTo(udpServers, options))) return { draining: { virtualServers: servers.length } }
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

/** Sets the weights of real servers to 0, so that IPVS sends them no new connections. */
function zeroWeights(server: ObservedServer): IpvsChange[] {
  const active = server.realServers.filter(({ weight }) => weight > 0)
  return active.map(real => ({ kind: 'edit real', server, real: { ...real, weight: 0 } }))
}

/** @returns whether all are deleted */
async function deleteFlowsTo(
  servers: readonly ObservedServer[],
  { conntrack, log, flowProblems }: IpvsDrainOptions,
): Promise<boolean> {
  if (servers.length === 0) return true
  const expected = { targets: [], removed: servers, nodeAddresses: new Set<string>() }
  const results = await Promise.all(
    IP_FAMILIES.map(family => deleteStaleFlows(conntrack, family, ['UDP'], expected, log, flowProblems[family])),
  )
  return results.every(({ isComplete }) => isComplete)
}

/** Drains ipvs mode after a switch to another mode. It does nothing on a node where the mode never ran. */
export function createIpvsDrain(config: KubeProxyConfig, kernel: KernelTools, log: Log): ModeDrain {
  const flowProblems = { IPv4: new OnceReporter(), IPv6: new OnceReporter() }
  return {
    periodMs: DRAIN_CHECK_MS,
    async step() {
      if (!hasIpvsInterface(kernel)) return 'nothing there'
      const options = ipvsCleanupOptions(kernel, config.kernelModes.ipvs.excludeCIDRs)
      return drainIpvs({ ...options, conntrack: kernel.conntrack, flowProblems, log })
    },
  }
}
