import { hostPort } from '../model/address.js'
import { BalancedEndpoint } from './balanced-endpoint.js'
import { type Target } from './balancer.js'

/** Keeps one object for each endpoint as long as it stays in the list, however often the list is replaced. */
export class EndpointCache {
  #endpoints: ReadonlyMap<string, BalancedEndpoint> = new Map()

  /** The objects of the whole new list, in its order. One that went and comes back is a new one. */
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
