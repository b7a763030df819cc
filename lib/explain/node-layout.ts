import { type IpAddress, type IpFamily, familyOf } from '../model/address.js'
import { type Cidr, LOOPBACK, cidrContains } from '../model/cidr.js'
import { type InterfaceAddress } from '../system/node-addresses.js'

/** Where the node sends packets to a range of addresses. */
export interface LayoutRoute {
  readonly range: Cidr
  readonly interfaceName: string
  /** The source of the node's own packets, where the route names it. */
  readonly source?: IpAddress | undefined
}

/** What a `NodeLayout` is made of. */
export interface NodeLayoutParts {
  readonly name: string
  /** The main address of the node in each family. */
  readonly main: Readonly<Partial<Record<IpFamily, IpAddress>>>
  /** In the order of the kernel; without loopback. */
  readonly addresses: readonly InterfaceAddress[]
  readonly routes: readonly LayoutRoute[]
  /** Further destinations that the kernel delivers to the node itself. */
  readonly localRanges: readonly Cidr[]
  /** Interfaces with Pods of this node; undefined: every interface but that of the default route. */
  readonly podInterfaces?: readonly string[] | undefined
  /** What of this is not known but taken for granted, as words: `node address 192.168.50.1`. */
  readonly assumed: readonly string[]
}

/** The addresses, interfaces and routes of a node. */
export class NodeLayout {
  readonly name: string
  readonly main: NodeLayoutParts['main']
  readonly addresses: readonly InterfaceAddress[]
  readonly assumed: readonly string[]
  readonly #parts: NodeLayoutParts
  readonly #own: ReadonlySet<IpAddress>

  constructor(parts: NodeLayoutParts) {
    const { name, main, addresses, assumed } = parts
    this.name = name
    this.main = main
    this.addresses = addresses
    this.assumed = assumed
    this.#parts = parts
    this.#own = new Set(addresses.map(({ ip }) => ip))
  }

  /** Whether the kernel delivers packets to the address to the node itself. */
  isOwnAddress(ip: IpAddress): boolean {
    const isInRange = (range: Cidr): boolean => cidrContains(range, ip)
    return this.#own.has(ip) || isInRange(LOOPBACK[familyOf(ip)]) || this.#parts.localRanges.some(isInRange)
  }

  /** The route with the longest prefix; undefined: the node has none to the address. */
  routeTo(ip: IpAddress): LayoutRoute | undefined {
    let best: LayoutRoute | undefined
    for (const route of this.#parts.routes)
      if (cidrContains(route.range, ip) && (best === undefined || route.range.bits > best.range.bits)) best = route
    return best
  }

  /** The main address of an interface; without the interface, that of the node. */
  addressOf(interfaceName: string | undefined, family: IpFamily): IpAddress | undefined {
    const isOfFamily = ({ ip }: InterfaceAddress): boolean => familyOf(ip) === family
    const own = this.addresses.find(each => each.interfaceName === interfaceName && isOfFamily(each))
    return own?.ip ?? this.main[family] ?? this.addresses.find(isOfFamily)?.ip
  }

  /** The source address of the node's own packets to an address. */
  sourceFor(ip: IpAddress): IpAddress | undefined {
    if (this.isOwnAddress(ip)) return ip
    const route = this.routeTo(ip)
    return route?.source ?? this.addressOf(route?.interfaceName, familyOf(ip))
  }

  /** Whether a Pod of this node has the address, as far as routes show it: they lead to it without another host between. */
  isPodHere(ip: IpAddress): boolean {
    const route = this.routeTo(ip)
    if (route === undefined || this.isOwnAddress(ip)) return false
    const uplinks = this.#parts.routes.filter(({ range }) => range.bits === 0)
    const isUplink = uplinks.some(({ interfaceName }) => interfaceName === route.interfaceName)
    return this.#parts.podInterfaces?.includes(route.interfaceName) ?? !isUplink
  }
}
