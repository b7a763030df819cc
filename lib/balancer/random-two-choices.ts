import { type BalancedEndpoint } from './balanced-endpoint.js'
import { type AvoidedEndpoints, type Balancer, AVOID_NONE } from './balancer.js'

/**
 * Picks two endpoints at random, and of these the one with fewer open connections. The load is nearly as even as with all of them
 * compared, at a small cost that does not depend on their number, and the nodes do not all pick the same idle endpoint
 * (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 1996).
 */
export class RandomTwoChoices implements Balancer {
  #endpoints: readonly BalancedEndpoint[] = []
  readonly #random: () => number

  /** @param random returns a number from 0 (inclusive) to 1 (exclusive) */
  constructor(random: () => number) {
    this.#random = random
  }

  pick(_client: string, _now: number, avoid: AvoidedEndpoints = AVOID_NONE): BalancedEndpoint | undefined {
    // A list is made only when there are endpoints to avoid.
    const usable = avoid.size === 0 ? this.#endpoints : this.#endpoints.filter(({ key }) => !avoid.has(key))
    return this.#draw(usable.length === 0 ? this.#endpoints : usable)
  }

  replace(endpoints: readonly BalancedEndpoint[]): void {
    this.#endpoints = endpoints
  }

  #draw(endpoints: readonly BalancedEndpoint[]): BalancedEndpoint | undefined {
    const count = endpoints.length
    if (count < 2) return endpoints[0]
    const first = Math.floor(this.#random() * count)
    // One of the other endpoints, each with the same probability: the index skips the first one.
    const drawn = Math.floor(this.#random() * (count - 1))
    const one = endpoints[first]!
    const other = endpoints[drawn < first ? drawn : drawn + 1]!
    return other.open < one.open ? other : one
  }
}
