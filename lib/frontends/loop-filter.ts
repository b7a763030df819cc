import { type IpFamily, hostPort } from '../model/address.js'
import { type Endpoint } from '../model/endpoint.js'
import { type LocalAddresses } from '../model/local-addresses.js'
import { type ServicePort, type ServicePortKey } from '../model/service-port.js'
import { type ServedPort, type ServiceSnapshot, withoutEndpoints } from '../model/snapshot.js'
import { isEqual } from '../primitives/reuse-equal.js'
import { type Frontend } from './frontend.js'
import {
  type NodePortOwners,
  findNodePortCycles,
  nodePortNumber,
  nodePortTargets,
  targetOf,
} from './node-port-cycles.js'

/**
 * Removes endpoints that are themselves an address of a Service. Anyone who may write EndpointSlices could otherwise make two
 * Services send one connection back and forth until no descriptor is left.
 *
 * It knows the addresses of Services, the node ports of this node, also at local routes, and cycles of node ports over several nodes.
 * It follows the addresses and routes of the node. The data plane refuses its own sockets as clients, but one worker does not know
 * the sockets of another.
 */
export class LoopFilter {
  readonly #getLocalAddresses: (family: IpFamily) => LocalAddresses
  #frontends: readonly Frontend[] = []
  /** By `address:port/protocol`, and by `nodePortNumber` for node ports. */
  #frontendByKey = new Map<string, Frontend>()
  #nodePortOwners: NodePortOwners = new Map()
  #nodePortTargets = new WeakMap<ServedPort, readonly ServicePortKey[]>()
  #cycles: ReadonlyMap<ServicePortKey, ReadonlySet<ServicePortKey>> = new Map()
  /** The addresses that decisions depend on. */
  readonly #localAddresses = new Map<IpFamily, LocalAddresses>()
  #filtered = new WeakMap<ServedPort, ServedPort>()

  /**
   * @param getLocalAddresses what the kernel delivers to this node; the same object while nothing changes. Called only once an
   *   endpoint has the number of a node port
   */
  constructor(getLocalAddresses: (family: IpFamily) => LocalAddresses) {
    this.#getLocalAddresses = getLocalAddresses
  }

  /**
   * @param frontends what is served; the same array while nothing changed
   * @returns the snapshot, the same object if no endpoint was removed, and the service ports that lost an endpoint
   */
  apply(
    snapshot: ServiceSnapshot,
    frontends: readonly Frontend[],
  ): { readonly snapshot: ServiceSnapshot; readonly loopingPorts: readonly ServicePortKey[] } {
    if (frontends !== this.#frontends) this.#setFrontends(frontends)
    this.#updateCycles(snapshot)
    this.#updateLocalAddresses()
    const changed = new Map<ServicePortKey, ServedPort>()
    for (const [key, served] of snapshot.ports) {
      let filtered = this.#filtered.get(served)
      if (filtered === undefined) this.#filtered.set(served, (filtered = this.#filter(served)))
      if (filtered !== served) changed.set(key, filtered)
    }
    if (changed.size === 0) return { snapshot, loopingPorts: [] }
    return {
      snapshot: { ...snapshot, ports: new Map([...snapshot.ports, ...changed]) },
      loopingPorts: [...changed.keys()],
    }
  }

  /** The frontend that an endpoint of the service port is, if it is one: the reason why `apply` leaves it out. */
  findFrontend(servicePort: ServicePort, endpoint: Endpoint): Frontend | undefined {
    const { ip, port } = endpoint
    const frontend = this.#frontendByKey.get(`${hostPort(ip, port)}/${servicePort.protocol}`)
    if (frontend !== undefined) return frontend
    const nodePort = this.#frontendByKey.get(nodePortNumber(servicePort, port))
    if (nodePort === undefined) return undefined
    const target = targetOf(servicePort, endpoint, this.#nodePortOwners)
    const isInCycle = target !== undefined && this.#cycles.get(servicePort.key)?.has(target) === true
    return isInCycle || this.#localAddressesOf(servicePort.family).has(ip) ? nodePort : undefined
  }

  #setFrontends(frontends: readonly Frontend[]): void {
    this.#frontends = frontends
    this.#filtered = new WeakMap()
    this.#nodePortTargets = new WeakMap()
    this.#frontendByKey = new Map(
      frontends.map(frontend => {
        const { address, port, servicePort } = frontend
        return address === undefined
          ? [nodePortNumber(servicePort, port), frontend]
          : [`${hostPort(address, port)}/${servicePort.protocol}`, frontend]
      }),
    )
    const nodePorts = [...this.#frontendByKey].filter(([, { address }]) => address === undefined)
    this.#nodePortOwners = new Map(nodePorts.map(([number, { servicePort }]) => [number, servicePort.key]))
  }

  #updateCycles({ ports }: ServiceSnapshot): void {
    if (this.#nodePortOwners.size < 2) return this.#setCycles(new Map())
    const targets = new Map<ServicePortKey, readonly ServicePortKey[]>()
    for (const [key, served] of ports) {
      let ofPort = this.#nodePortTargets.get(served)
      if (ofPort === undefined) {
        ofPort = nodePortTargets(served.servicePort, served.endpoints, this.#nodePortOwners)
        this.#nodePortTargets.set(served, ofPort)
      }
      if (ofPort.length > 0) targets.set(key, ofPort)
    }
    this.#setCycles(findNodePortCycles(targets))
  }

  #setCycles(cycles: ReadonlyMap<ServicePortKey, ReadonlySet<ServicePortKey>>): void {
    const asText = (all: typeof cycles): unknown => [...all].map(([key, targets]) => [key, ...targets])
    if (!isEqual(asText(cycles), asText(this.#cycles))) this.#filtered = new WeakMap()
    this.#cycles = cycles
  }

  #localAddressesOf(family: IpFamily): LocalAddresses {
    let addresses = this.#localAddresses.get(family)
    if (addresses === undefined) this.#localAddresses.set(family, (addresses = this.#getLocalAddresses(family)))
    return addresses
  }

  #updateLocalAddresses(): void {
    for (const [family, before] of this.#localAddresses) {
      const addresses = this.#getLocalAddresses(family)
      if (addresses === before) continue
      this.#localAddresses.set(family, addresses)
      this.#filtered = new WeakMap()
    }
  }

  #filter(served: ServedPort): ServedPort {
    return withoutEndpoints(served, endpoint => this.findFrontend(served.servicePort, endpoint) !== undefined)
  }
}
