import { hostPort } from '../model/address.js'
import { BalancedEndpoint } from './balanced-endpoint.js'
import { type Target } from './balancer.js'

/** One object for each endpoint, the same one as long as the endpoint stays in the list. */
export class EndpointCache {
  #endpoints: ReadonlyMap<string, BalancedEndpoint> = new Map()

  /** The objects of the whole new list, in its order. An endpoint that comes back gets a new object. */
  replace(targets: readonly Target[]): readonly BalancedEndpoint[] {
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
