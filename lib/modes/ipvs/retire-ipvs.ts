import { type Log } from '../../model/log.js'
import { type Conntrack } from '../../system/conntrack.js'
import { type FoundServer, type IpvsChange } from '../../system/ipvs-text.js'
import { forgetStaleFlows } from '../forget-stale-flows.js'
import { type IpvsCleanupOptions, cleanupIpvs } from './cleanup-ipvs.js'
import { leftServers } from './left-servers.js'

export interface IpvsRetirementOptions extends IpvsCleanupOptions {
  readonly conntrack: Conntrack
  readonly log: Log
}

/** How far it has come: `waiting` for connections through so many virtual servers to end. */
export type Retirement = 'nothing there' | 'all removed' | { readonly waiting: number }

/**
 * Takes away what ipvs mode has left, as far as no open connection needs it: a virtual server that goes takes its connections
 * along. The rules of another mode lead all new ones already, so that each call finds fewer. UDP knows no connections: the kernel
 * forgets the flows, and the rules are asked for their next datagram.
 *
 * @throws ProxyFailure when something could not be removed
 */
export async function retireIpvs(options: IpvsRetirementOptions): Promise<Retirement> {
  const { ipvs, sets, dummy, excludeCIDRs, nodeAddresses } = options
  const addresses = (await dummy.read()) ?? new Set<string>()
  const servers = leftServers(
    { servers: await ipvs.list(), sets: await sets.read(), addresses },
    excludeCIDRs,
    nodeAddresses,
  )
  await forgetFlowsThrough(
    servers.filter(({ protocol }) => protocol === 'UDP'),
    options,
  )
  const busy = new Set(servers.filter(isBusy))
  if (busy.size === 0) return (await cleanupIpvs(options)) ? 'all removed' : 'nothing there'
  await ipvs.change(servers.flatMap(server => (busy.has(server) ? silencing(server) : [{ kind: 'delete', server }])))
  const needed = new Set([...busy].map(({ address }) => address))
  await dummy.change(
    [],
    [...addresses].filter(address => !needed.has(address)),
  )
  return { waiting: busy.size }
}

function isBusy({ protocol, realServers }: FoundServer): boolean {
  return protocol !== 'UDP' && realServers.some(({ connections }) => connections > 0)
}

/** No new connection goes to an endpoint of weight 0. */
function silencing(server: FoundServer): IpvsChange[] {
  const active = server.realServers.filter(({ weight }) => weight > 0)
  return active.map(real => ({ kind: 'edit real', server, real: { ...real, weight: 0 } }))
}

async function forgetFlowsThrough(servers: readonly FoundServer[], options: IpvsRetirementOptions): Promise<void> {
  if (servers.length === 0) return
  const flows = { portals: [], gone: servers, nodeAddresses: new Set<string>() }
  for (const family of ['IPv4', 'IPv6'] as const)
    await forgetStaleFlows(options.conntrack, family, () => flows, options.log)
}
