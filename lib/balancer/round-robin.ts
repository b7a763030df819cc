import { type BalancedEndpoint } from './balanced-endpoint.js'
import { type AvoidedEndpoints, type NarrowableBalancer, AVOID_NONE } from './balancer.js'
import { Turns } from './turns.js'

/** Each endpoint in turn. */
export class RoundRobin implements NarrowableBalancer {
  readonly #turns: Turns

  /** @param start see `Turns` */
  constructor(start: number) {
    this.#turns = new Turns(start)
  }

  pick(_client: string, _now: number, avoid: AvoidedEndpoints = AVOID_NONE): BalancedEndpoint | undefined {
    const { candidates } = this.#turns
    const count = candidates.length
    if (count === 0) return undefined
    const { first } = this.#turns
    let endpoint = candidates[first]!
    for (let step = 1; avoid.size > 0 && step <= count && avoid.has(endpoint); step++)
      endpoint = candidates[(first + step) % count]!
    this.#turns.take(endpoint)
    return endpoint
  }

  peek(): BalancedEndpoint | undefined {
    const { candidates } = this.#turns
    return candidates.length === 0 ? undefined : candidates[this.#turns.first]
  }

  replace(endpoints: readonly BalancedEndpoint[]): void {
    this.#turns.replace(endpoints)
  }

  narrow(candidates: readonly BalancedEndpoint[]): void {
    this.#turns.narrow(candidates)
  }
}
