import { type BalancedEndpoint } from '../balancer/balanced-endpoint.js'
import { type AvoidedEndpoints } from '../balancer/balancer.js'
import { type Clock } from '../model/clock.js'
import { type ListenerBalancer } from './listener-balancer.js'

/**
 * The endpoint of one client. A client has one at a time: picking the next one gives the one before back. The endpoint counts
 * as used from `pick` to `release`, so that a burst of clients spreads over all endpoints.
 */
export class EndpointLease {
  /** The client's address. */
  readonly client: string
  readonly #balancer: ListenerBalancer
  readonly #clock: Clock
  readonly #onFailure: (endpoint: BalancedEndpoint, error: Error) => void
  #endpoint: BalancedEndpoint | undefined

  /** @param onFailure called after each `recordFailure`; the leases of a listener share it */
  constructor(
    client: string,
    balancer: ListenerBalancer,
    clock: Clock,
    onFailure: (endpoint: BalancedEndpoint, error: Error) => void,
  ) {
    this.client = client
    this.#balancer = balancer
    this.#clock = clock
    this.#onFailure = onFailure
  }

  /**
   * Picks the next endpoint; undefined when the listener has none.
   * @param avoid endpoints that failed for this client; one of them is picked only when there is no other
   */
  pick(avoid: AvoidedEndpoints): BalancedEndpoint | undefined {
    this.#endpoint = this.#balancer.acquire(this.client, this.#clock.now(), avoid, this.#endpoint)
    return this.#endpoint
  }

  /** The endpoint answered: new clients may get it again. */
  recordSuccess(): void {
    if (this.#endpoint !== undefined) this.#balancer.recordSuccess(this.#endpoint)
  }

  /** The endpoint could not be reached: new clients get others for a while. */
  recordFailure(error: Error): void {
    if (this.#endpoint === undefined) return
    this.#balancer.recordFailure(this.#endpoint, this.#clock.now())
    this.#onFailure(this.#endpoint, error)
  }

  /** The client has ended: its endpoint no longer counts as used. */
  release(): void {
    this.#balancer.release(this.#endpoint)
    this.#endpoint = undefined
  }
}
