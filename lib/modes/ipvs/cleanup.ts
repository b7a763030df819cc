import { IP_FAMILIES, type IpAddress } from '../../model/address.js'
import { type Cidr } from '../../model/cidr.js'
import { type FailureCode, ProxyFailure } from '../../model/failure.js'
import { type DummyInterface } from '../../system/dummy-interface.js'
import { type IpSets } from '../../system/ip-sets.js'
import { type Ipvs } from '../../system/ipvs.js'
import { type KernelTools } from '../../system/kernel-tools.js'
import { KUBE_IPVS_DEVICE } from '../../system/node-addresses.js'
import { serverLeftovers } from './leftovers.js'
import { SET_NAMES, kernelSetName } from './set-names.js'

/** There can be no set. */
const NO_SETS: ReadonlySet<FailureCode> = new Set(['PROGRAM_MISSING', 'IPVS_ABSENT'])

export interface IpvsCleanupOptions {
  readonly ipvs: Ipvs
  readonly sets: IpSets
  readonly dummy: DummyInterface
  /** Virtual servers with these addresses stay. */
  readonly excludeCIDRs: readonly Cidr[]
  /** The addresses of the node, of both families. */
  readonly nodeAddresses: readonly IpAddress[]
}

/**
 * Removes the virtual servers, the interface with its addresses, and the sets of ipvs mode, also those of the original kube-proxy.
 * Its rules must be removed before, because the kernel keeps sets that rules use. Virtual servers of other programs stay.
 * Connections through the removed servers break.
 * @returns whether there was anything to remove
 * @throws ProxyFailure if something could not be removed
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

/** The observed sets that ipvs mode left. */
export function setLeftovers(observed: ReadonlyMap<string, unknown>): string[] {
  return OWNED_SETS.filter(name => observed.has(name))
}

/** The sets of this mode, one that only the original kube-proxy has, and one that exists while a set is replaced. */
const OWNED_SETS = [
  ...IP_FAMILIES.flatMap(family => SET_NAMES.map(name => kernelSetName(name, family))),
  ...['KUBE-EXTERNAL-IP-LOCAL', 'KUBE-6-EXTERNAL-IP-LOCAL', 'KUBE-SWAP', 'KUBE-6-SWAP'],
]

/**
 * Removes what ipvs mode left besides rules, if its interface or its sets show that it ran on this node. Only sets are there if
 * another program has removed the interface.
 * @returns whether there was anything to remove
 * @throws ProxyFailure if something could not be removed
 */
export async function cleanupIpvsMode(kernel: KernelTools): Promise<boolean> {
  if (!hasIpvsInterface(kernel) && !(await hasLeftoverSets(kernel.ipSets))) return false
  return cleanupIpvs(ipvsCleanupOptions(kernel, []))
}

/** Whether the interface of ipvs mode exists; this program and the original kube-proxy use the same one. */
export function hasIpvsInterface(kernel: Pick<KernelTools, 'hasInterface'>): boolean {
  return kernel.hasInterface(KUBE_IPVS_DEVICE)
}

/** The options of a cleanup with these tools. @param excludeCIDRs virtual servers with these addresses stay */
export function ipvsCleanupOptions(
  { ipvs, ipSets, dummyInterface, readNetwork }: KernelTools,
  excludeCIDRs: readonly Cidr[],
): IpvsCleanupOptions {
  const nodeAddresses = readNetwork().addresses.map(({ ip }) => ip)
  return { ipvs, sets: ipSets, dummy: dummyInterface, excludeCIDRs, nodeAddresses }
}

/**
 * Whether there are sets of ipvs mode. If the program `ipset` is not installed, or the kernel has no sets, kube-proxy has made none.
 * @throws ProxyFailure if there may be sets that cannot be read
 */
async function hasLeftoverSets(ipSets: IpSets): Promise<boolean> {
  try {
    return setLeftovers(await ipSets.read()).length > 0
  } catch (error) {
    if (error instanceof ProxyFailure && NO_SETS.has(error.code)) return false
    throw error
  }
}
