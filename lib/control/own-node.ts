import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type IpAddress, type IpFamily, familyOf } from '../model/address.js'
import { type Log } from '../model/log.js'
import { type NodeObject } from '../model/objects.js'
import { type FromPod, type Surroundings, includesLoopback, nodePortAddresses } from '../modes/surroundings.js'
import { type NodeNetwork, chooseNodeAddress, readNodeNetwork } from '../system/node-addresses.js'

/** The machine that we run on: what it is, by its own account and by its Node object's, at the moment of asking. */
export class OwnNode {
  readonly #config: KubeProxyConfig
  readonly #object: () => NodeObject | undefined
  readonly #network: () => NodeNetwork
  #seen: NodeObject | undefined

  /**
   * @param object the Node as the API server knows it; undefined while it does not, or we do not know
   * @param network what the machine's network looks like now
   */
  constructor(config: KubeProxyConfig, object: () => NodeObject | undefined, network = readNodeNetwork) {
    this.#config = config
    this.#object = object
    this.#network = network
  }

  /** The address to listen on and to lead rules to; undefined when there is none of that family. */
  address(family: IpFamily): IpAddress | undefined {
    const { bindAddress } = this.#config
    if (bindAddress !== undefined) return familyOf(bindAddress) === family ? bindAddress : undefined
    return chooseNodeAddress(family, this.#network(), this.#object()?.addresses ?? [])
  }

  /** All addresses of a family, loopback left out. */
  addresses(family: IpFamily): IpAddress[] {
    return this.#network()
      .addresses.map(({ ip }) => ip)
      .filter(ip => familyOf(ip) === family)
  }

  surroundings(family: IpFamily): Surroundings {
    return { fromPods: this.#fromPods(family), nodePortAddresses: this.nodePortAddresses(family) }
  }

  /** Where node ports are served; undefined: everywhere. The interfaces are looked at only where that matters. */
  nodePortAddresses(family: IpFamily): readonly IpAddress[] | undefined {
    const wanted = this.#config.nodePortAddresses
    if (wanted === undefined) return undefined
    return nodePortAddresses(wanted, family, this.addresses(family), this.address(family))
  }

  servesNodePortsOnLoopback(family: IpFamily): boolean {
    const { localhostNodePorts, nodePortAddresses } = this.#config
    return localhostNodePorts && includesLoopback(nodePortAddresses, family)
  }

  /**
   * Takes note of what the Node object has become, and tells of it.
   * @returns whether it is gone, after having been there
   */
  follow(log: Log): boolean {
    const object = this.#object()
    if (object === this.#seen) return false
    const isGone = object === undefined
    this.#seen = object
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
    const object = this.#object()
    if (object === undefined) return 'the Node'
    if (object.addresses.length === 0) return 'an address of the Node'
    if (this.#config.detectLocal.mode === 'NodeCIDR' && object.podCIDRs.length === 0) return 'podCIDRs of the Node'
    return undefined
  }

  /** None, where it cannot be told: Pods are then treated as everybody else. */
  #fromPods(family: IpFamily): FromPod[] {
    const { detectLocal, clusterCIDR } = this.#config
    switch (detectLocal.mode) {
      case 'BridgeInterface':
        return [{ inInterface: detectLocal.name }]
      case 'InterfaceNamePrefix':
        return [{ inInterface: `${detectLocal.name}+` }]
      case 'ClusterCIDR':
      case 'NodeCIDR': {
        const ranges = detectLocal.mode === 'ClusterCIDR' ? clusterCIDR : (this.#object()?.podCIDRs ?? [])
        return ranges.filter(range => range.family === family).map(source => ({ source }))
      }
    }
  }
}
