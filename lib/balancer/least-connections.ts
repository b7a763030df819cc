import { type BalancedEndpoint } from './balanced-endpoint.js'
import { type AvoidedEndpoints, type NarrowableBalancer, AVOID_NONE } from './balancer.js'
import { Turns } from './turns.js'

/**
 * Picks the endpoint with the fewest open connections of this listener; equal ones take turns. It compares all endpoints: some
 * microseconds for a thousand of them. With more, use `RandomTwoChoices`.
 */
export class LeastConnections implements NarrowableBalancer {
  readonly #turns: Turns

  /** @param start of the turns among equals; see `Turns` */
  constructor(start: number) {
    this.#turns = new Turns(start)
  }

  pick(_client: string, _now: number, avoid: AvoidedEndpoints = AVOID_NONE): BalancedEndpoint | undefined {
    const endpoint = this.#findLeastLoaded(avoid) ?? this.#findLeastLoaded(AVOID_NONE)
    if (endpoint !== undefined) this.#turns.take(endpoint)
    return endpoint
  }

  peek(): BalancedEndpoint | undefined {
    return this.#findLeastLoaded(AVOID_NONE)
  }

  replace(endpoints: readonly BalancedEndpoint[]): void {
    this.#turns.replace(endpoints)
  }

  narrow(candidates: readonly BalancedEndpoint[]): void {
    this.#turns.narrow(candidates)
  }

  /** The endpoint with the fewest connections; of equal ones, the next in turn. */
  #findLeastLoaded(avoid: AvoidedEndpoints): BalancedEndpoint | undefined {
    const { candidates } = this.#turns
    const count = candidates.length
    if (count === 0) return undefined
    const { first } = this.#turns
    let best: BalancedEndpoint | undefined
    let fewest = Infinity
    for (let step = 0; step < count && fewest > 0; step++) {
      const endpoint = candidates[(first + step) % count]!
      if (endpoint.open >= fewest || (avoid.size > 0 && avoid.has(endpoint))) continue
      best = endpoint
      fewest = endpoint.open
    }
    return best
  }
}
