import { type BalancedEndpoint } from './balanced-endpoint.js'
import { type AvoidedEndpoints, type Balancer, AVOID_NONE } from './balancer.js'
import { resumeTurn } from './resume-turn.js'

/** Each endpoint in turn. */
export class RoundRobin implements Balancer {
  #endpoints: readonly BalancedEndpoint[] = []
  #next: number

  /**
   * @param start index in the first list of the first turn. Use a random one, so that the nodes of a cluster do not all start
   *   with the same Pod. kube-proxy shuffles the list instead; a random start keeps the order readable.
   */
  constructor(start: number) {
    this.#next = start
  }

  pick(_client: string, _now: number, avoid: AvoidedEndpoints = AVOID_NONE): BalancedEndpoint | undefined {
    const count = this.#endpoints.length
    if (count === 0) return undefined
    const first = this.#next % count
    for (let step = 0; avoid.size > 0 && step < count; step++) {
      const index = (first + step) % count
      if (!avoid.has(this.#endpoints[index]!)) return this.#take(index)
    }
    return this.#take(first)
  }

  replace(endpoints: readonly BalancedEndpoint[]): void {
    this.#next = resumeTurn(endpoints, this.#endpoints, this.#next)
    this.#endpoints = endpoints
  }

  #take(index: number): BalancedEndpoint {
    this.#next = index + 1
    return this.#endpoints[index]!
  }
}
