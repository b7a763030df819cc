import { familyOf } from '../../model/address.js'
import { type Cidr, cidrContains } from '../../model/cidr.js'
import { type DummyInterface } from '../../system/dummy-interface.js'
import { type IpSets } from '../../system/ip-sets.js'
import { type Ipvs } from '../../system/ipvs.js'
import { type IpvsChange } from '../../system/ipvs-text.js'
import { serverKey } from '../../system/virtual-server.js'
import { ourServers } from './our-servers.js'
import { SET_NAMES, kernelSetName } from './set-names.js'
import { type IpAddress } from '../../model/address.js'

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
 * with its addresses, sets; kube-proxy's too. What others have in IPVS stays.
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
  const changes: IpvsChange[] = []
  for (const family of ['IPv4', 'IPv6'] as const) {
    const servers = found.servers.filter(({ address }) => familyOf(address) === family)
    const ours = ourServers({ ...found, servers }, family, nodeAddresses)
    for (const server of servers)
      if (ours.has(serverKey(server)) && !excludeCIDRs.some(range => cidrContains(range, server.address)))
        changes.push({ kind: 'delete', server })
  }
  await ipvs.change(changes)
  await dummy.delete()
  const doomed = OUR_SETS.filter(name => found.sets.has(name))
  if (doomed.length > 0) await sets.restore(doomed.map(name => `destroy ${name}\n`).join(''))
  return changes.length + found.addresses.size + doomed.length > 0
}

/** Those of today, one that kube-proxy has besides, and one that a process left that ended at the wrong moment. */
const OUR_SETS = [
  ...(['IPv4', 'IPv6'] as const).flatMap(family => SET_NAMES.map(name => kernelSetName(name, family))),
  ...['KUBE-EXTERNAL-IP-LOCAL', 'KUBE-6-EXTERNAL-IP-LOCAL', 'KUBE-SWAP', 'KUBE-6-SWAP'],
]
