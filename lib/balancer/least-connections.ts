import { type BalancedEndpoint } from './balanced-endpoint.js'
import { type AvoidedEndpoints, type Balancer, AVOID_NONE } from './balancer.js'
import { resumeTurn } from './resume-turn.js'

/**
 * The endpoint with the fewest open connections of this listener, those with equally many in turn. Looks at each endpoint:
 * some microseconds with a thousand of them; `RandomTwoChoices` is there for more.
 */
export class LeastConnections implements Balancer {
  #endpoints: readonly BalancedEndpoint[] = []
  #next: number

  /** @param start where in the first list to begin among equals; see RoundRobin */
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

  /** Its place in the list; of equals, the first from where the turn is. */
  #findLeastLoaded(avoid: AvoidedEndpoints): number | undefined {
    const count = this.#endpoints.length
    let found: number | undefined
    let fewest = Infinity
    for (let step = 0; step < count && fewest > 0; step++) {
      const index = (this.#next + step) % count
      const { open, key } = this.#endpoints[index]!
      if (open >= fewest || (avoid.size > 0 && avoid.has(key))) continue
      found = index
      fewest = open
    }
    return found
  }
}
