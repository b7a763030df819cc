import { type IpAddress, hostPort } from '../model/address.js'
import { type Endpoint } from '../model/endpoint.js'

/**
 * One endpoint of one listener, with the state that its balancer needs. The users of the endpoint hold this object, so counting
 * is one addition without a look-up. When the endpoint has left the list, the object goes with its last connection.
 */
export class BalancedEndpoint {
  readonly ip: IpAddress
  readonly port: number
  /** `ip:port` */
  readonly key: string
  /** Open connections and flows to this endpoint, dials in progress included. */
  open = 0
  /** Its place in the list of a balancer in which endpoints take turns, from 0. */
  place = 0
  /** How often the endpoint was ejected since its last success. */
  failures = 0
  /**
   * The end of its ejection, in milliseconds of the clock of `pick`: until then it gets no new clients, as long as others can have
   * them. 0: it is not ejected.
   */
  ejectedUntil = 0

  constructor({ ip, port }: Pick<Endpoint, 'ip' | 'port'>) {
    this.ip = ip
    this.port = port
    this.key = hostPort(ip, port)
  }
}

/** One object for each endpoint, the same one as long as the endpoint stays in the list. */
export class EndpointCache {
  #endpoints: ReadonlyMap<string, BalancedEndpoint> = new Map()

  /** The objects of the whole new list, in its order. An endpoint that comes back gets a new object. */
  replace(targets: readonly Pick<Endpoint, 'ip' | 'port'>[]): readonly BalancedEndpoint[] {
    const before = this.#endpoints
    const endpoints = new Map<string, BalancedEndpoint>()
    for (const target of targets) {
      const key = hostPort(target.ip, target.port)
      endpoints.set(key, before.get(key) ?? new BalancedEndpoint(target))
    }
    this.#endpoints = endpoints
    return [...endpoints.values()]
  }
}
