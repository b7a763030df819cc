import { type BalancedEndpoint } from '../balancer/balanced-endpoint.js'
import { type AvoidedEndpoints } from '../balancer/balancer.js'
import { type Clock } from '../model/clock.js'
import { type AdmittedClient } from './limits/own-clients.js'
import { type ListenerBalancer } from './listener-balancer.js'

/** What a listener learns from the leases of its clients. */
export interface LeaseOwner {
  /** The client has ended. Called once. */
  onRelease(client: string): void
  /** @param ejectedForMs undefined: it is not ejected, or was before */
  onEndpointFailure(endpoint: BalancedEndpoint, error: Error, ejectedForMs: number | undefined): void
  onLocalProblem(error: Error): void
}

/**
 * A client that was let in, and its endpoint. The client counts for the limits until `release`. A client has one at a time: picking the next one gives the one before back. The endpoint counts
 * as used from `pick` to `release`, so that a burst of clients spreads over all endpoints.
 */
export class EndpointLease {
  /** The client's address. */
  readonly client: string
  readonly #balancer: ListenerBalancer
  readonly #clock: Clock
  readonly #listener: LeaseOwner
  readonly #admitted: AdmittedClient
  #endpoint: BalancedEndpoint | undefined
  #isReleased = false

  constructor(
    client: string,
    balancer: ListenerBalancer,
    clock: Clock,
    listener: LeaseOwner,
    admitted: AdmittedClient,
  ) {
    this.client = client
    this.#balancer = balancer
    this.#clock = clock
    this.#listener = listener
    this.#admitted = admitted
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
    const ejectedForMs = this.#balancer.recordFailure(this.#endpoint, this.#clock.now())
    this.#listener.onEndpointFailure(this.#endpoint, error, ejectedForMs)
  }

  /** The endpoint could not be tried, because this machine has run out of something. The endpoint is not to blame. */
  reportLocalProblem(error: Error): void {
    this.#listener.onLocalProblem(error)
  }

  /** The client has ended: it counts for no limit, and its endpoint no longer as used. Another call does nothing. */
  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    this.#balancer.release(this.#endpoint)
    this.#endpoint = undefined
    this.#admitted.release()
    this.#listener.onRelease(this.client)
  }
}
