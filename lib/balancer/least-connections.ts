import { type BalancedEndpoint } from './balanced-endpoint.js'
import { type AvoidedEndpoints, type Balancer, AVOID_NONE } from './balancer.js'
import { resumeTurn } from './resume-turn.js'

/**
 * Picks the endpoint with the fewest open connections of this listener; equal ones take turns. It compares all endpoints: some
 * microseconds for a thousand of them. With more, use `RandomTwoChoices`.
 */
export class LeastConnections implements Balancer {
  #endpoints: readonly BalancedEndpoint[] = []
  #next: number

  /** @param start index in the first list of the first turn among equals; see RoundRobin */
  constructor(start: number) {
    this.#next = start
  }

  pick(_client: string, _now: number, avoid: AvoidedEndpoints = AVOID_NONE): BalancedEndpoint | undefined {
    const index = this.#findLeastLoaded(avoid) ?? this.#findLeastLoaded(AVOID_NONE)
    if (index === undefined) return undefined
    this.#next = index + 1
    return this.#endpoints[index]
  }

  replace(endpoints: readonly BalancedEndpoint[]): void {
    this.#next = resumeTurn(endpoints, this.#endpoints, this.#next)
    this.#endpoints = endpoints
  }

  /** The index of the endpoint with the fewest connections; of equal ones, the next in turn. */
  #findLeastLoaded(avoid: AvoidedEndpoints): number | undefined {
    const count = this.#endpoints.length
    let best: number | undefined
    let fewest = Infinity
    for (let step = 0; step < count && fewest > 0; step++) {
      const index = (this.#next + step) % count
      const endpoint = this.#endpoints[index]!
      if (endpoint.open >= fewest || (avoid.size > 0 && avoid.has(endpoint))) continue
      best = index
      fewest = endpoint.open
    }
    return best
  }
}
