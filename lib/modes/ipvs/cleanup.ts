import { type IpAddress } from '../../model/address.js'
import { type Cidr } from '../../model/cidr.js'
import { type DummyInterface } from '../../system/dummy-interface.js'
import { type IpSets } from '../../system/ip-sets.js'
import { type Ipvs } from '../../system/ipvs.js'
import { serverLeftovers } from './leftovers.js'
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
  const observed = {
    servers: await ipvs.list(),
    sets: await sets.read(),
    addresses: (await dummy.read()) ?? new Set<string>(),
  }
  const servers = serverLeftovers(observed, excludeCIDRs, nodeAddresses)
  await ipvs.change(servers.map(server => ({ kind: 'delete', server })))
  await dummy.delete()
  const leftoverSets = setLeftovers(observed.sets)
  if (leftoverSets.length > 0) await sets.restore(leftoverSets.map(name => `destroy ${name}\n`).join(''))
  return servers.length + observed.addresses.size + leftoverSets.length > 0
}

/** Of the sets that were found those that ipvs mode has left. */
export function setLeftovers(observed: ReadonlyMap<string, unknown>): string[] {
  return OWNED_SETS.filter(name => observed.has(name))
}

/** Those of today, one that kube-proxy has besides, and one that a process left that ended at the wrong moment. */
const OWNED_SETS = [
  ...(['IPv4', 'IPv6'] as const).flatMap(family => SET_NAMES.map(name => kernelSetName(name, family))),
  ...['KUBE-EXTERNAL-IP-LOCAL', 'KUBE-6-EXTERNAL-IP-LOCAL', 'KUBE-SWAP', 'KUBE-6-SWAP'],
]
