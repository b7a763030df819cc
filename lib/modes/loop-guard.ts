import { type IpAddress, type IpFamily, hostPort } from '../model/address.js'
import { type Endpoint } from '../model/endpoint.js'
import { type ServicePortKey } from '../model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../model/snapshot.js'
import { type Portal } from './portals.js'

/**
 * Leaves out endpoints that are themselves an address of a Service, which rules would lead back to us. Whoever may write
 * EndpointSlices could have two Services send one connection to and fro until no descriptor is left.
 *
 * The data plane knows its own sockets and refuses them as clients, but one worker does not know those of another.
 */
export class LoopGuard {
  readonly #nodeAddresses: (family: IpFamily) => readonly IpAddress[]
  #portals: readonly Portal[] = []
  /** `address:port/protocol`, and `port/protocol` for node ports. */
  #names = new Set<string>()
  #known = new WeakMap<ServedPort, ServedPort>()

  /** @param nodeAddresses asked only where an endpoint has the number of a node port */
  constructor(nodeAddresses: (family: IpFamily) => readonly IpAddress[]) {
    this.#nodeAddresses = nodeAddresses
  }

  /**
   * @param portals what is served; the same array while nothing changed
   * @returns the snapshot, the same object when nothing is left out, and the service ports of which something is
   */
  apply(
    snapshot: ServiceSnapshot,
    portals: readonly Portal[],
  ): { readonly snapshot: ServiceSnapshot; readonly looping: readonly ServicePortKey[] } {
    if (portals !== this.#portals) this.#learn(portals)
    const guarded = new Map<ServicePortKey, ServedPort>()
    for (const [key, served] of snapshot.ports) {
      let known = this.#known.get(served)
      if (known === undefined) this.#known.set(served, (known = this.#without(served)))
      if (known !== served) guarded.set(key, known)
    }
    if (guarded.size === 0) return { snapshot, looping: [] }
    return { snapshot: { ...snapshot, ports: new Map([...snapshot.ports, ...guarded]) }, looping: [...guarded.keys()] }
  }

  #learn(portals: readonly Portal[]): void {
    this.#portals = portals
    this.#known = new WeakMap()
    this.#names = new Set(
      portals.map(({ address, port, servicePort: { protocol } }) =>
        address === undefined ? `${port}/${protocol}` : `${hostPort(address, port)}/${protocol}`,
      ),
    )
  }

  #without(served: ServedPort): ServedPort {
    const { servicePort, usable } = served
    const isOurs = ({ ip, port }: Endpoint): boolean => {
      if (this.#names.has(`${hostPort(ip, port)}/${servicePort.protocol}`)) return true
      const isNodePort = this.#names.has(`${port}/${servicePort.protocol}`)
      return isNodePort && this.#nodeAddresses(servicePort.family).includes(ip)
    }
    const others = (endpoints: readonly Endpoint[]): readonly Endpoint[] =>
      endpoints.some(isOurs) ? endpoints.filter(endpoint => !isOurs(endpoint)) : endpoints
    const [cluster, local] = [others(usable.cluster), others(usable.local)]
    if (cluster === usable.cluster && local === usable.local) return served
    return { ...served, usable: { ...usable, cluster, local } }
  }
}
