import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type IpAddress, type IpFamily, familyOf } from '../model/address.js'
import { LocalAddresses } from '../model/local-addresses.js'
import { type Log } from '../model/log.js'
import { type NodeObject } from '../model/objects.js'
import {
  type LocalMatch,
  type LocalTraffic,
  includesLoopback,
  resolveNodePortAddresses,
} from '../frontends/local-traffic.js'
import { readLocalRoutes } from '../system/local-routes.js'
import { type NodeNetwork, chooseNodeAddress, readNodeNetwork } from '../system/node-addresses.js'
import { sameItems } from '../primitives/reuse-equal.js'

/** The node that this process runs on: the current state of its network interfaces and of its Node object. */
export class NodeManager {
  #config: KubeProxyConfig
  readonly #getNode: () => NodeObject | undefined
  readonly #readNetwork: () => NodeNetwork
  readonly #readRoutes: typeof readLocalRoutes
  readonly #localAddresses = new Map<IpFamily, { readonly from: readonly unknown[]; readonly value: LocalAddresses }>()
  #lastNode: NodeObject | undefined

  /**
   * @param getNode returns the Node object; undefined while the API server has none, or has not returned it yet
   * @param readNetwork reads the network interfaces
   * @param readRoutes reads the routes to this node itself; returns the same array while nothing changes
   */
  constructor(
    config: KubeProxyConfig,
    getNode: () => NodeObject | undefined,
    readNetwork = readNodeNetwork,
    readRoutes = readLocalRoutes,
  ) {
    this.#config = config
    this.#getNode = getNode
    this.#readNetwork = readNetwork
    this.#readRoutes = readRoutes
  }

  /** Uses another configuration from now on. The next sync brings it into the kernel. */
  reconfigure(config: KubeProxyConfig): void {
    this.#config = config
  }

  /**
   * The address for listeners, which rules translate to; undefined if the node has none of that family. `--bind-address` is of one
   * family, and decides about that one.
   */
  getAddress(family: IpFamily): IpAddress | undefined {
    const { bindAddress } = this.#config
    if (bindAddress !== undefined && familyOf(bindAddress) === family) return bindAddress
    return chooseNodeAddress(family, this.#readNetwork(), this.#getNode()?.addresses ?? [])
  }

  /** All addresses of a family except loopback addresses. */
  getAddresses(family: IpFamily): IpAddress[] {
    return this.#readNetwork()
      .addresses.map(({ ip }) => ip)
      .filter(ip => familyOf(ip) === family)
  }

  /** What the kernel delivers to this node itself. The same object while nothing changes. */
  getLocalAddresses(family: IpFamily): LocalAddresses {
    const [addresses, routes] = [this.getAddresses(family), this.#readRoutes(family)]
    const from = [routes, ...addresses]
    const before = this.#localAddresses.get(family)
    if (before !== undefined && sameItems(before.from, from)) return before.value
    // The routes contain the addresses of interfaces; only wider ones need a comparison.
    const single = routes.filter(({ bits }) => bits === (family === 'IPv4' ? 32 : 128))
    const ranges = routes.filter(route => !single.includes(route))
    const value = new LocalAddresses([...addresses, ...single.map(({ network }) => network)], ranges)
    this.#localAddresses.set(family, { from, value })
    return value
  }

  /**
   * The addresses that the kubelet gives to Pods with hostNetwork: one of the Node object in each family. It keeps the address of a
   * running Pod when the order changes, so all of them count. Without a Node object: the main address of the node.
   */
  getPodAddresses(family: IpFamily): readonly IpAddress[] {
    const addresses = (this.#getNode()?.addresses ?? []).filter(ip => familyOf(ip) === family)
    if (addresses.length > 0) return addresses
    const main = chooseNodeAddress(family, this.#readNetwork(), [])
    return main === undefined ? [] : [main]
  }

  getLocalTraffic(family: IpFamily): LocalTraffic {
    return { localMatches: this.#localMatches(family), nodePortAddresses: this.getNodePortAddresses(family) }
  }

  /** The addresses that serve NodePorts; undefined: all. Reads the interfaces only if `--nodeport-addresses` requires it. */
  getNodePortAddresses(family: IpFamily): readonly IpAddress[] | undefined {
    const configured = this.#config.nodePortAddresses
    if (configured === undefined) return undefined
    return resolveNodePortAddresses(configured, family, this.getAddresses(family), this.getAddress(family))
  }

  servesNodePortsOnLoopback(family: IpFamily): boolean {
    const { localhostNodePorts, nodePortAddresses } = this.#config
    return localhostNodePorts && includesLoopback(nodePortAddresses, family)
  }

  /**
   * Logs the Node object if it has changed since the last call.
   * @returns whether it was there before and is gone now
   */
  reportChanges(log: Log): boolean {
    const node = this.#getNode()
    if (node === this.#lastNode) return false
    this.#lastNode = node
    if (node === undefined) return true
    const { addresses, podCIDRs, zone, eligible } = node
    const ranges = podCIDRs.map(({ network, bits }) => `${network}/${bits}`)
    log.info(0, 'Node of this machine', { addresses: addresses.join(' '), podCIDRs: ranges.join(' '), zone, eligible })
    if (addresses.length === 0)
      log.warn('The Node of this machine has no addresses; using those of its network interfaces', {})
    return false
  }

  /** Why the first sync should wait for the Node, in words that follow its name; undefined: the Node object is complete. */
  get waitReason(): string | undefined {
    const node = this.#getNode()
    if (node === undefined) return 'the API server does not return it'
    if (node.addresses.length === 0) return 'it has no address'
    return this.#lacksPodRanges(node) ? 'it has no podCIDRs' : undefined
  }

  /** Whether the Node object is there and lacks nothing but its address. Interfaces have addresses to serve with. */
  get lacksOnlyAddress(): boolean {
    const node = this.#getNode()
    return node?.addresses.length === 0 && !this.#lacksPodRanges(node)
  }

  #lacksPodRanges({ podCIDRs }: NodeObject): boolean {
    return this.#config.detectLocal.mode === 'NodeCIDR' && podCIDRs.length === 0
  }

  /** How to recognise traffic of local Pods. With an empty list, the rules treat Pods as any other client. */
  #localMatches(family: IpFamily): LocalMatch[] {
    const { detectLocal, clusterCIDR } = this.#config
    switch (detectLocal.mode) {
      case 'BridgeInterface':
        return [{ inInterface: detectLocal.name }]
      case 'InterfaceNamePrefix':
        return [{ inInterface: `${detectLocal.name}+` }]
      case 'ClusterCIDR':
      case 'NodeCIDR': {
        const ranges = detectLocal.mode === 'ClusterCIDR' ? clusterCIDR : (this.#getNode()?.podCIDRs ?? [])
        return ranges.filter(range => range.family === family).map(source => ({ source }))
      }
    }
  }
}
