import { BlockList } from 'node:net'
import { type Cidr, LOOPBACK } from '../../model/cidr.js'
import { familyOf } from '../../model/address.js'

const LOOPBACK_LIST = toBlockList(Object.values(LOOPBACK))

/** Whether an address is one of this machine's loopback addresses. */
export function isLoopback(ip: string): boolean {
  return contains(LOOPBACK_LIST, ip)
}

/** Lets in the clients of some address ranges, or all clients. It compares each client with every range, which costs far less than a connection. */
export class ClientFilter {
  readonly #ranges: BlockList | undefined

  /** @param ranges undefined: all clients; empty: no client */
  constructor(ranges: readonly Cidr[] | undefined) {
    this.#ranges = ranges === undefined ? undefined : toBlockList(ranges)
  }

  /** Whether a client with this address may come in. */
  allows(ip: string): boolean {
    return this.#ranges === undefined || contains(this.#ranges, ip)
  }
}

/** A BlockList is a set of addresses. It blocks nothing by itself. */
function toBlockList(ranges: readonly Cidr[]): BlockList {
  const list = new BlockList()
  for (const { family, network, bits } of ranges) list.addSubnet(network, bits, family === 'IPv4' ? 'ipv4' : 'ipv6')
  return list
}

function contains(list: BlockList, ip: string): boolean {
  return list.check(ip, familyOf(ip) === 'IPv4' ? 'ipv4' : 'ipv6')
}
