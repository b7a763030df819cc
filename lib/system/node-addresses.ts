import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { type IpAddress, type IpFamily, familyOf, parseIp } from '../model/address.js'
import { specialAddress } from '../model/special-address.js'

/** Addresses of this machine that others can reach, with the name of their interface, in the kernel's order. */
export interface InterfaceAddress {
  readonly interfaceName: string
  readonly ip: IpAddress
}

/** What this machine's network looks like now. */
export interface NodeNetwork {
  readonly addresses: readonly InterfaceAddress[]
  /** Interface of the IPv4 default route, if there is one. */
  readonly defaultInterface: string | undefined
}

export function readNodeNetwork(): NodeNetwork {
  const addresses = Object.entries(networkInterfaces()).flatMap(([interfaceName, all]) =>
    (all ?? []).map(({ address }) => ({ interfaceName, ip: parseIp(address) })),
  )
  return {
    addresses: addresses.filter(
      (entry): entry is InterfaceAddress => entry.ip !== undefined && specialAddress(entry.ip) === undefined,
    ),
    defaultInterface: defaultRouteInterface(),
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
    own.find(({ interfaceName }) => interfaceName === network.defaultInterface)?.ip ??
    own[0]?.ip
  )
}

/** From /proc/net/route: the route to 0.0.0.0 with mask 0.0.0.0. */
function defaultRouteInterface(): string | undefined {
  try {
    const rows = readFileSync('/proc/net/route', 'utf8').split('\n').slice(1)
    return rows
      .map(row => row.split('\t'))
      .find(([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000')?.[0]
  } catch {
    return undefined
  }
}
