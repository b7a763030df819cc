import { type IpFamily } from '../model/address.js'
import { type Endpoint } from '../model/endpoint.js'
import { type LocalAddresses } from '../model/local-addresses.js'
import { type ServicePort, type ServicePortKey } from '../model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../model/snapshot.js'
import { withoutEndpoints } from './without-endpoints.js'

/**
 * Removes endpoints that are an address of this node but no Pod, for modes in which the node is the client of every endpoint. There
 * an author of EndpointSlices could reach what the firewall of the node keeps to the node itself, because connections from the node
 * to its own addresses use the loopback interface (compare CVE-2021-25740).
 *
 * Pods with hostNetwork are endpoints as usual: their `targetRef` names a Pod. So is the API server on its own machine: it writes the
 * endpoints of default/kubernetes itself, without targetRef, and every Pod may reach it anyway.
 */
export class NodeEndpointFilter {
  readonly #getLocalAddresses: (family: IpFamily) => LocalAddresses
  readonly #localAddresses = new Map<IpFamily, LocalAddresses>()
  #filtered = new WeakMap<ServedPort, ServedPort>()

  /**
   * @param getLocalAddresses what the kernel delivers to this node; the same object while nothing changes. Called only once there
   *   is an endpoint that is no Pod
   */
  constructor(getLocalAddresses: (family: IpFamily) => LocalAddresses) {
    this.#getLocalAddresses = getLocalAddresses
  }

  /** @returns the snapshot, the same object if no endpoint was removed, and the service ports that lost an endpoint */
  apply(snapshot: ServiceSnapshot): {
    readonly snapshot: ServiceSnapshot
    readonly ports: readonly ServicePortKey[]
  } {
    for (const [family, before] of this.#localAddresses) {
      const addresses = this.#getLocalAddresses(family)
      if (addresses !== before) this.#filtered = new WeakMap()
      this.#localAddresses.set(family, addresses)
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
    if (isPod || (namespace === 'default' && name === 'kubernetes')) return false
    let addresses = this.#localAddresses.get(family)
    if (addresses === undefined) this.#localAddresses.set(family, (addresses = this.#getLocalAddresses(family)))
    return addresses.has(ip)
  }
}
