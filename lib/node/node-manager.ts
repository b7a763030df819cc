import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type IpAddress, type IpFamily, familyOf } from '../model/address.js'
import { type Log } from '../model/log.js'
import { type NodeObject } from '../model/objects.js'
import {
  type LocalMatch,
  type LocalTraffic,
  includesLoopback,
  resolveNodePortAddresses,
} from '../frontends/local-traffic.js'
import { type NodeNetwork, chooseNodeAddress, readNodeNetwork } from '../system/node-addresses.js'

/** The machine that we run on: what it is, by its own account and by its Node object's, at the moment of asking. */
export class NodeManager {
  readonly #config: KubeProxyConfig
  readonly #getNode: () => NodeObject | undefined
  readonly #readNetwork: () => NodeNetwork
  #lastNode: NodeObject | undefined

  /**
   * @param object the Node as the API server knows it; undefined while it does not, or we do not know
   * @param network what the machine's network looks like now
   */
  constructor(config: KubeProxyConfig, object: () => NodeObject | undefined, network = readNodeNetwork) {
    this.#config = config
    this.#getNode = object
    this.#readNetwork = network
  }

  /** The address to listen on and to lead rules to; undefined when there is none of that family. */
  getAddress(family: IpFamily): IpAddress | undefined {
    const { bindAddress } = this.#config
    if (bindAddress !== undefined) return familyOf(bindAddress) === family ? bindAddress : undefined
    return chooseNodeAddress(family, this.#readNetwork(), this.#getNode()?.addresses ?? [])
  }

  /** All addresses of a family, loopback left out. */
  getAddresses(family: IpFamily): IpAddress[] {
    return this.#readNetwork()
      .addresses.map(({ ip }) => ip)
      .filter(ip => familyOf(ip) === family)
  }

  getLocalTraffic(family: IpFamily): LocalTraffic {
    return { localMatches: this.#localMatches(family), nodePortAddresses: this.getNodePortAddresses(family) }
  }

  /** Where node ports are served; undefined: everywhere. The interfaces are looked at only where that matters. */
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
   * Takes note of what the Node object has become, and tells of it.
   * @returns whether it is gone, after having been there
   */
  reportChanges(log: Log): boolean {
    const object = this.#getNode()
    if (object === this.#lastNode) return false
    const isGone = object === undefined
    this.#lastNode = object
    if (object !== undefined) {
      const { addresses, podCIDRs, zone, eligible } = object
      const ranges = podCIDRs.map(({ network, bits }) => `${network}/${bits}`)
      log.info(0, 'Our own Node', { addresses: addresses.join(' '), podCIDRs: ranges.join(' '), zone, eligible })
      if (addresses.length === 0) log.warn('Our own Node has no addresses: those of this machine are used', {})
    }
    return isGone
  }

  /** What of the Node object is still missing that we would rather wait for, in words; undefined: nothing. */
  get missing(): string | undefined {
    const object = this.#getNode()
    if (object === undefined) return 'the Node'
    if (object.addresses.length === 0) return 'an address of the Node'
    if (this.#config.detectLocal.mode === 'NodeCIDR' && object.podCIDRs.length === 0) return 'podCIDRs of the Node'
    return undefined
  }

  /** None, where it cannot be told: Pods are then treated as everybody else. */
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
