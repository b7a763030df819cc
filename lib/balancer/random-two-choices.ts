import { type BalancedEndpoint } from './balanced-endpoint.js'
import { type AvoidedEndpoints, type NarrowableBalancer, AVOID_NONE } from './balancer.js'

/** Endpoints from which on a list is sampled instead of copied. */
const LONG_LIST = 64
/** With half of the endpoints to avoid, one sample in 4,000 finds none. */
const MAX_DRAWS = 12

/**
 * Picks two endpoints at random, and of these the one with fewer open connections. The load is nearly as even as with all of them
 * compared, at a small cost that does not depend on their number, and the nodes do not all pick the same idle endpoint
 * (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 1996).
 */
export class RandomTwoChoices implements NarrowableBalancer {
  #candidates: readonly BalancedEndpoint[] = []
  readonly #random: () => number

  /** @param random returns a number from 0 (inclusive) to 1 (exclusive) */
  constructor(random: () => number) {
    this.#random = random
  }

  pick(_client: string, _now: number, avoid: AvoidedEndpoints = AVOID_NONE): BalancedEndpoint | undefined {
    // A long list is not copied for each attempt of each client, unless it has hardly any endpoint to pick.
    const sampled = avoid.size > 0 && this.#candidates.length > LONG_LIST ? this.#sample(avoid) : undefined
    if (sampled !== undefined) return sampled
    const usable = avoid.size === 0 ? this.#candidates : this.#candidates.filter(endpoint => !avoid.has(endpoint))
    return this.#draw(usable.length === 0 ? this.#candidates : usable)
  }

  peek(): BalancedEndpoint | undefined {
    return this.#candidates.length === 1 ? this.#candidates[0] : undefined
  }

  replace(endpoints: readonly BalancedEndpoint[]): void {
    this.#candidates = endpoints
  }

  narrow(candidates: readonly BalancedEndpoint[]): void {
    this.#candidates = candidates
  }

  /** Draws until two endpoints are found that are not to be avoided. Undefined if a few draws find none. */
  #sample(avoid: AvoidedEndpoints): BalancedEndpoint | undefined {
    let first: BalancedEndpoint | undefined
    for (let draw = 0; draw < MAX_DRAWS; draw++) {
      const drawn = this.#candidates[Math.floor(this.#random() * this.#candidates.length)]!
      if (drawn === first || avoid.has(drawn)) continue
      if (first !== undefined) return lessUsed(first, drawn)
      first = drawn
    }
    return first
  }

  #draw(endpoints: readonly BalancedEndpoint[]): BalancedEndpoint | undefined {
    const count = endpoints.length
    if (count < 2) return endpoints[0]
    const first = Math.floor(this.#random() * count)
    // One of the other endpoints, each with the same probability: the index skips the first one.
    const drawn = Math.floor(this.#random() * (count - 1))
    const one = endpoints[first]!
    const other = endpoints[drawn < first ? drawn : drawn + 1]!
    return lessUsed(one, other)
  }
}

function lessUsed(one: BalancedEndpoint, other: BalancedEndpoint): BalancedEndpoint {
  return other.open < one.open ? other : one
}
