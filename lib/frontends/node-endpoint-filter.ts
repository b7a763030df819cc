import { type IpAddress, type IpFamily } from '../model/address.js'
import { type Endpoint } from '../model/endpoint.js'
import { type LocalAddresses } from '../model/local-addresses.js'
import { type ServicePort, type ServicePortKey } from '../model/service-port.js'
import { type ServedPort, type ServiceSnapshot, withoutEndpoints } from '../model/snapshot.js'
import { sameItems } from '../primitives/reuse-equal.js'

/** The addresses of this node, in one IP family. */
export interface NodeAddressReader {
  /** What the kernel delivers to this node; the same object while nothing changes. */
  readonly local: (family: IpFamily) => LocalAddresses
  /** The addresses that Pods with hostNetwork have: those of the Node object. */
  readonly ofPods: (family: IpFamily) => readonly IpAddress[]
}

interface KnownAddresses {
  readonly local: LocalAddresses
  readonly ofPods: readonly IpAddress[]
}

/**
 * Removes endpoints that are an address of this node but no Pod, for modes in which the node is the client of every endpoint. There
 * an author of EndpointSlices could reach what the firewall of the node keeps to the node itself, because connections from the node
 * to its own addresses use the loopback interface (compare CVE-2021-25740).
 *
 * Pods with hostNetwork are endpoints as usual: their `targetRef` names a Pod, and the kubelet gives them an address of the Node
 * object. No Pod has any other address of the node, such as that of a bridge. The API server on its own machine is an endpoint too: it
 * writes the endpoints of default/kubernetes itself, without targetRef, and every Pod may reach it anyway.
 */
export class NodeEndpointFilter {
  readonly #read: NodeAddressReader
  readonly #known = new Map<IpFamily, KnownAddresses>()
  #filtered = new WeakMap<ServedPort, ServedPort>()

  /** @param read called only once there is an endpoint to decide about */
  constructor(read: NodeAddressReader) {
    this.#read = read
  }

  /** @returns the snapshot, the same object if no endpoint was removed, and the service ports that lost an endpoint */
  apply(snapshot: ServiceSnapshot): {
    readonly snapshot: ServiceSnapshot
    readonly ports: readonly ServicePortKey[]
  } {
    for (const [family, before] of this.#known) {
      const now = this.#readAddresses(family)
      if (now.local === before.local && sameItems(now.ofPods, before.ofPods)) continue
      this.#known.set(family, now)
      this.#filtered = new WeakMap()
    }
    const changed = new Map<ServicePortKey, ServedPort>()
    for (const [key, served] of snapshot.ports) {
      let filtered = this.#filtered.get(served)
      if (filtered === undefined) {
        filtered = withoutEndpoints(served, endpoint => this.isLeftOut(served.servicePort, endpoint))
        this.#filtered.set(served, filtered)
      }
      if (filtered !== served) changed.set(key, filtered)
    }
    if (changed.size === 0) return { snapshot, ports: [] }
    return { snapshot: { ...snapshot, ports: new Map([...snapshot.ports, ...changed]) }, ports: [...changed.keys()] }
  }

  /** Whether `apply` leaves an endpoint of the service port out. */
  isLeftOut({ family, namespace, name }: ServicePort, { ip, isPod }: Endpoint): boolean {
    if (namespace === 'default' && name === 'kubernetes') return false
    let known = this.#known.get(family)
    if (known === undefined) this.#known.set(family, (known = this.#readAddresses(family)))
    return known.local.has(ip) && !(isPod && known.ofPods.includes(ip))
  }

  #readAddresses(family: IpFamily): KnownAddresses {
    return { local: this.#read.local(family), ofPods: this.#read.ofPods(family) }
  }
}
