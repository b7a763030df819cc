import { type IpAddress } from '../../model/address.js'
import { type Cidr } from '../../model/cidr.js'
import { type DummyInterface } from '../../system/dummy-interface.js'
import { type IpSets } from '../../system/ip-sets.js'
import { type Ipvs } from '../../system/ipvs.js'
import { leftServers } from './left-servers.js'
import { SET_NAMES, kernelSetName } from './set-names.js'

export interface IpvsCleanupOptions {
  readonly ipvs: Ipvs
  readonly sets: IpSets
  readonly dummy: DummyInterface
  /** Virtual servers at these addresses stay. */
  readonly excludeCIDRs: readonly Cidr[]
  /** The node's own, of both families. */
  readonly nodeAddresses: readonly IpAddress[]
}

/**
 * Removes everything of ipvs mode but its rules, which have to be gone already, as they hold sets: virtual servers, the interface
 * with its addresses, sets; kube-proxy's too. What others have in IPVS stays. Connections through it are cut.
 * @returns whether there was anything
 * @throws ProxyFailure when something could not be removed
 */
export async function cleanupIpvs(options: IpvsCleanupOptions): Promise<boolean> {
  const { ipvs, sets, dummy, excludeCIDRs, nodeAddresses } = options
  const found = {
    servers: await ipvs.list(),
    sets: await sets.read(),
    addresses: (await dummy.read()) ?? new Set<string>(),
  }
  const servers = leftServers(found, excludeCIDRs, nodeAddresses)
  await ipvs.change(servers.map(server => ({ kind: 'delete', server })))
  await dummy.delete()
  const doomed = leftSets(found.sets)
  if (doomed.length > 0) await sets.restore(doomed.map(name => `destroy ${name}\n`).join(''))
  return servers.length + found.addresses.size + doomed.length > 0
}

/** Of the sets that were found those that ipvs mode has left. */
export function leftSets(found: ReadonlyMap<string, unknown>): string[] {
  return OUR_SETS.filter(name => found.has(name))
}

/** Those of today, one that kube-proxy has besides, and one that a process left that ended at the wrong moment. */
const OUR_SETS = [
  ...(['IPv4', 'IPv6'] as const).flatMap(family => SET_NAMES.map(name => kernelSetName(name, family))),
  ...['KUBE-EXTERNAL-IP-LOCAL', 'KUBE-6-EXTERNAL-IP-LOCAL', 'KUBE-SWAP', 'KUBE-6-SWAP'],
]
