import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { type IpAddress, type IpFamily, familyOf, parseIp } from '../model/address.js'
import { specialAddress } from '../model/special-address.js'

/** The interface that has the addresses of Services in ipvs mode, ours and kube-proxy's. They are no addresses of the node. */
export const KUBE_IPVS_DEVICE = 'kube-ipvs0'

/** Addresses of this machine that others can reach, with the name of their interface, in the kernel's order. */
export interface InterfaceAddress {
  readonly interfaceName: string
  readonly ip: IpAddress
}

/** What this machine's network looks like now. */
export interface NodeNetwork {
  readonly addresses: readonly InterfaceAddress[]
  /** Interface of the default route of each family, if there is one. */
  readonly defaultInterface: Readonly<Record<IpFamily, string | undefined>>
}

/** What was seen last: the answer while this process has no descriptor left to look again. */
let lastNetwork: NodeNetwork = { addresses: [], defaultInterface: { IPv4: undefined, IPv6: undefined } }

export function readNodeNetwork(): NodeNetwork {
  try {
    lastNetwork = queryNetwork()
  } catch {
    // Out of descriptors; the addresses are most likely what they were.
  }
  return lastNetwork
}

function queryNetwork(): NodeNetwork {
  const addresses = Object.entries(networkInterfaces()).flatMap(([interfaceName, all]) =>
    (all ?? []).map(({ address }) => ({ interfaceName, ip: parseIp(address) })),
  )
  return {
    addresses: addresses.filter(
      (entry): entry is InterfaceAddress =>
        entry.ip !== undefined && specialAddress(entry.ip) === undefined && entry.interfaceName !== KUBE_IPVS_DEVICE,
    ),
    defaultInterface: { IPv4: defaultInterfaceV4(), IPv6: defaultInterfaceV6() },
  }
}

/**
 * The address of the node that listeners use and rules lead to: what the Node object says, if this machine really has it;
 * else the first one of the interface with the default route (as the original); else the first there is.
 */
export function chooseNodeAddress(
  family: IpFamily,
  network: NodeNetwork,
  nodeAddresses: readonly IpAddress[],
): IpAddress | undefined {
  const own = network.addresses.filter(({ ip }) => familyOf(ip) === family)
  return (
    nodeAddresses.find(ip => own.some(entry => entry.ip === ip)) ??
    own.find(({ interfaceName }) => interfaceName === network.defaultInterface[family])?.ip ??
    own[0]?.ip
  )
}

/** From /proc/net/route: the route to 0.0.0.0 with mask 0.0.0.0. */
function defaultInterfaceV4(): string | undefined {
  const isDefault = ([, destination, , , , , , mask]: readonly string[]): boolean =>
    destination === '00000000' && mask === '00000000'
  return readRoutes('/proc/net/route').find(isDefault)?.[0]
}

/** From /proc/net/ipv6_route: the route to ::/0 that is not the kernel's own "unreachable" one on lo. */
function defaultInterfaceV6(): string | undefined {
  const isDefault = (row: readonly string[]): boolean =>
    /^0{32}$/.test(row[0] ?? '') && row[1] === '00' && row[9] !== 'lo'
  return readRoutes('/proc/net/ipv6_route').find(isDefault)?.[9]
}

/** The rows of a table of routes; none where the kernel lacks the family. */
function readRoutes(file: string): string[][] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map(row => row.trim().split(/\s+/))
  } catch {
    return []
  }
}
