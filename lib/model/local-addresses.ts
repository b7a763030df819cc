import { type IpAddress } from './address.js'
import { type Cidr, cidrContains } from './cidr.js'

/** The addresses that the kernel of this node delivers to the node itself: those of its interfaces, and local routes. */
export class LocalAddresses {
  readonly #addresses: ReadonlySet<IpAddress>
  readonly #ranges: readonly Cidr[]

  /** @param ranges local routes, such as `10.9.0.0/24` after `ip route add local 10.9.0.0/24 dev lo` */
  constructor(addresses: Iterable<IpAddress>, ranges: readonly Cidr[] = []) {
    this.#addresses = new Set(addresses)
    this.#ranges = ranges
  }

  /** Whether a packet to the address stays on this node. */
  has(ip: IpAddress): boolean {
    return this.#addresses.has(ip) || this.#ranges.some(range => cidrContains(range, ip))
  }
}
