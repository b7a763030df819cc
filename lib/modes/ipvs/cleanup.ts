import { type IpAddress } from '../../model/address.js'
import { type Cidr } from '../../model/cidr.js'
import { type DummyInterface } from '../../system/dummy-interface.js'
import { type IpSets } from '../../system/ip-sets.js'
import { type Ipvs } from '../../system/ipvs.js'
import { type KernelTools } from '../../system/kernel-tools.js'
import { KUBE_IPVS_DEVICE } from '../../system/node-addresses.js'
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

/**
 * Removes what ipvs mode has left besides rules, if anything shows that it was here: its interface, or sets, which may stay
 * where another program has removed the interface.
 * @returns whether there was anything
 * @throws ProxyFailure when something could not be removed
 */
export async function cleanupIpvsMode(kernel: KernelTools): Promise<boolean> {
  if (!hasIpvsInterface(kernel) && !(await hasLeftoverSets(kernel.ipSets))) return false
  return cleanupIpvs(ipvsCleanupOptions(kernel, []))
}

/** Whether the interface of ipvs mode shows that the mode was here, ours or kube-proxy's. */
export function hasIpvsInterface(kernel: Pick<KernelTools, 'hasInterface'>): boolean {
  return kernel.hasInterface(KUBE_IPVS_DEVICE)
}

/** @param excludeCIDRs virtual servers at these addresses stay */
export function ipvsCleanupOptions(
  { ipvs, ipSets, dummyInterface, readNetwork }: KernelTools,
  excludeCIDRs: readonly Cidr[],
): IpvsCleanupOptions {
  const nodeAddresses = readNetwork().addresses.map(({ ip }) => ip)
  return { ipvs, sets: ipSets, dummy: dummyInterface, excludeCIDRs, nodeAddresses }
}

/** Without the program `ipset` this program has made no set. */
async function hasLeftoverSets(ipSets: IpSets): Promise<boolean> {
  const observed = await ipSets.read().catch(() => new Map<string, never>())
  return setLeftovers(observed).length > 0
}
