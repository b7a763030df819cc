import { type BalancedEndpoint } from './balanced-endpoint.js'
import { type AvoidedEndpoints, type Balancer, AVOID_NONE } from './balancer.js'

/**
 * Of two endpoints drawn by lot, the one with fewer open connections. Nearly as even as looking at all of them, at the same
 * small cost however many there are, and without every node choosing the same idle one (Mitzenmacher, "The Power of Two
 * Choices in Randomized Load Balancing", 1996).
 */
export class RandomTwoChoices implements Balancer {
  #endpoints: readonly BalancedEndpoint[] = []
  readonly #random: () => number

  /** @param random gives a number from 0 (inclusive) to 1 (exclusive) */
  constructor(random: () => number) {
    this.#random = random
  }

  pick(_client: string, _now: number, avoid: AvoidedEndpoints = AVOID_NONE): BalancedEndpoint | undefined {
    // A list is only made while there is something to avoid.
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
    // One of the others, each as likely: the first one drawn is stepped over.
    const drawn = Math.floor(this.#random() * (count - 1))
    const one = endpoints[first]!
    const other = endpoints[drawn < first ? drawn : drawn + 1]!
    return other.open < one.open ? other : one
  }
}
