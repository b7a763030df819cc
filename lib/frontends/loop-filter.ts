import { type IpAddress, type IpFamily, hostPort } from '../model/address.js'
import { type Endpoint } from '../model/endpoint.js'
import { type ServicePort, type ServicePortKey } from '../model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../model/snapshot.js'
import { type Frontend } from './frontend.js'

/**
 * Removes endpoints that are themselves an address of a Service. Anyone who may write EndpointSlices could otherwise make two
 * Services send one connection back and forth until no descriptor is left.
 *
 * The data plane refuses its own sockets as clients, but one worker does not know the sockets of another.
 */
export class LoopFilter {
  readonly #nodeAddresses: (family: IpFamily) => readonly IpAddress[]
  #frontends: readonly Frontend[] = []
  /** By `address:port/protocol`, and by `port/protocol` for node ports. */
  #frontendByKey = new Map<string, Frontend>()
  #filtered = new WeakMap<ServedPort, ServedPort>()

  /** @param nodeAddresses the node's own addresses; called only where an endpoint has the number of a node port */
  constructor(nodeAddresses: (family: IpFamily) => readonly IpAddress[]) {
    this.#nodeAddresses = nodeAddresses
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
    const changed = new Map<ServicePortKey, ServedPort>()
    for (const [key, served] of snapshot.ports) {
      let filtered = this.#filtered.get(served)
      if (filtered === undefined) this.#filtered.set(served, (filtered = this.#filterEndpoints(served)))
      if (filtered !== served) changed.set(key, filtered)
    }
    if (changed.size === 0) return { snapshot, loopingPorts: [] }
    return {
      snapshot: { ...snapshot, ports: new Map([...snapshot.ports, ...changed]) },
      loopingPorts: [...changed.keys()],
    }
  }

  #setFrontends(frontends: readonly Frontend[]): void {
    this.#frontends = frontends
    this.#filtered = new WeakMap()
    this.#frontendByKey = new Map(
      frontends.map(frontend => {
        const { address, port, servicePort } = frontend
        return [`${address === undefined ? port : hostPort(address, port)}/${servicePort.protocol}`, frontend]
      }),
    )
  }

  /** The frontend that an endpoint of the service port is, if it is one: the reason why `apply` leaves it out. */
  findFrontend(
    { family, protocol }: Pick<ServicePort, 'family' | 'protocol'>,
    { ip, port }: Endpoint,
  ): Frontend | undefined {
    const frontend = this.#frontendByKey.get(`${hostPort(ip, port)}/${protocol}`)
    if (frontend !== undefined) return frontend
    const nodePort = this.#frontendByKey.get(`${port}/${protocol}`)
    return nodePort !== undefined && this.#nodeAddresses(family).includes(ip) ? nodePort : undefined
  }

  #filterEndpoints(served: ServedPort): ServedPort {
    const { servicePort, usable } = served
    const isFrontend = (endpoint: Endpoint): boolean => this.findFrontend(servicePort, endpoint) !== undefined
    const excludeFrontends = (endpoints: readonly Endpoint[]): readonly Endpoint[] =>
      endpoints.some(isFrontend) ? endpoints.filter(endpoint => !isFrontend(endpoint)) : endpoints
    const [cluster, local] = [excludeFrontends(usable.cluster), excludeFrontends(usable.local)]
    if (cluster === usable.cluster && local === usable.local) return served
    return { ...served, usable: { ...usable, cluster, local } }
  }
}
