import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { type IpAddress, type IpFamily, familyOf, parseIp } from '../model/address.js'
import { specialAddress } from '../model/special-address.js'

/** The interface with the addresses of Services in ipvs mode, as in kube-proxy. They are not addresses of the node. */
export const KUBE_IPVS_DEVICE = 'kube-ipvs0'

/** An address of this machine that other machines can reach, with the name of its interface. */
export interface InterfaceAddress {
  readonly interfaceName: string
  readonly ip: IpAddress
}

/** The current addresses and default routes of this machine. */
export interface NodeNetwork {
  /** In the kernel's order. */
  readonly addresses: readonly InterfaceAddress[]
  /** Interface of the default route of each family, if there is one. */
  readonly defaultInterface: Readonly<Record<IpFamily, string | undefined>>
}

/** The last result, for when this process has no descriptor left to read again. */
let lastNetwork: NodeNetwork = { addresses: [], defaultInterface: { IPv4: undefined, IPv6: undefined } }

/** Reads the network of this machine. Without free descriptors, returns the last result. */
export function readNodeNetwork(): NodeNetwork {
  try {
    lastNetwork = queryNetwork()
  } catch {
    // No free descriptors. The addresses have most likely not changed.
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
    defaultInterface: { IPv4: readDefaultInterface('IPv4'), IPv6: readDefaultInterface('IPv6') },
  }
}

/**
 * Chooses the address of the node for listeners and rules: the one in the Node object, if this machine has it; else the first
 * one of the interface with the default route (as kube-proxy did); else the first of all.
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

const ROUTE_FILES: Readonly<Record<IpFamily, string>> = { IPv4: '/proc/net/route', IPv6: '/proc/net/ipv6_route' }

/** Undefined where the kernel lacks the family, too. */
function readDefaultInterface(family: IpFamily): string | undefined {
  try {
    return parseDefaultInterface(readFileSync(ROUTE_FILES[family], 'utf8'), family)
  } catch {
    return undefined
  }
}

/**
 * Reads /proc/net/route or /proc/net/ipv6_route: the interface of the default route. With IPv4 that is the one to 0.0.0.0 with mask
 * 0.0.0.0, with IPv6 the one to ::/0 that is not the kernel's own "unreachable" one on lo.
 */
export function parseDefaultInterface(text: string, family: IpFamily): string | undefined {
  const rows = text.split('\n').map(row => row.trim().split(/\s+/))
  if (family === 'IPv4') return rows.find(row => row[1] === '00000000' && row[7] === '00000000')?.[0]
  return rows.find(row => /^0{32}$/.test(row[0]!) && row[1] === '00' && row[9] !== 'lo')?.[9]
}
