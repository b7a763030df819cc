import { type AffinityBudget } from '../balancer/affinity-budget.js'
import { type BalancedEndpoint, EndpointCache } from '../balancer/balanced-endpoint.js'
import { type AvoidedEndpoints, type Balancer } from '../balancer/balancer.js'
import { balancerByName } from '../balancer/balancer-by-name.js'
import { type AffinityClient, ClientIpAffinity } from '../balancer/client-ip-affinity.js'
import { PassiveEjection } from '../balancer/passive-ejection.js'
import { type ListenerSpec } from './listener-plan.js'

/** How long a failed endpoint gets no new clients, in milliseconds: 2, 4, 8, 16, 30, 30 s … */
const EJECTION_BACK_OFF = { initial: 2000, max: 30_000 }

type BalancerSpec = Pick<ListenerSpec, 'endpoints' | 'affinityMs' | 'balancer'>

/**
 * The balancer of one listener, in three layers: ClientIP affinity, if the Service has it; below it passive ejection, which
 * leaves out failed endpoints; below that the balancer that the Service asks for.
 */
export class ListenerBalancer {
  readonly #random: () => number
  readonly #affinityBudget: AffinityBudget | undefined
  readonly #endpointCache = new EndpointCache()
  readonly #ejection: PassiveEjection
  #affinity: ClientIpAffinity | undefined
  #endpoints: ListenerSpec['endpoints'] = []
  #balanced: readonly BalancedEndpoint[] = []
  #balancerName: ListenerSpec['balancer']

  /**
   * @param random returns a number from 0 (inclusive) to 1 (exclusive)
   * @param affinityBudget of the clients of all listeners with affinity; absent: this one has its own
   */
  constructor(spec: BalancerSpec, random: () => number, affinityBudget?: AffinityBudget) {
    this.#random = random
    this.#affinityBudget = affinityBudget
    this.#balancerName = spec.balancer
    this.#ejection = new PassiveEjection(
      balancerByName(spec.balancer, spec.endpoints.length, random),
      EJECTION_BACK_OFF,
    )
    this.update(spec)
  }

  /** How often an endpoint was ejected. */
  get ejections(): number {
    return this.#ejection.ejections
  }

  /** How many endpoints are ejected now. @param now milliseconds of a clock that only goes forward */
  countEjected(now: number): number {
    return this.#ejection.countEjected(now)
  }

  /** All endpoints; another list after a change. */
  get endpoints(): readonly BalancedEndpoint[] {
    return this.#balanced
  }

  /** See `PassiveEjection.ejected`. */
  inspectEjected(now: number): ReturnType<PassiveEjection['ejected']> {
    return this.#ejection.ejected(now)
  }

  /** See `PassiveEjection.peek`. */
  peek(now: number): BalancedEndpoint | undefined {
    return this.#ejection.peek(now)
  }

  /** See `ClientIpAffinity.clients`; empty without affinity. */
  inspectAffinity(now: number, only?: string): Iterable<AffinityClient | undefined> {
    return this.#affinity?.clients(now, only) ?? []
  }

  /**
   * Picks an endpoint for a client. The endpoint counts as used once more, until it is released.
   *
   * @param client the client's address
   * @param now milliseconds of a clock that only goes forward
   * @param avoid endpoints that failed for this client; one of them is picked only when there is no other
   * @param previous the endpoint that this client had before, which is released
   */
  acquire(
    client: string,
    now: number,
    avoid: AvoidedEndpoints,
    previous: BalancedEndpoint | undefined,
  ): BalancedEndpoint | undefined {
    this.release(previous)
    const endpoint = this.#current.pick(client, now, avoid)
    if (endpoint !== undefined) endpoint.open++
    return endpoint
  }

  /** A client of the endpoint has ended. */
  release(endpoint: BalancedEndpoint | undefined): void {
    if (endpoint !== undefined) endpoint.open--
  }

  /** The endpoint could not be reached: for a while new clients get other endpoints, if there are any. See `PassiveEjection`. */
  recordFailure(endpoint: BalancedEndpoint, now: number): number | undefined {
    return this.#ejection.recordFailure(endpoint, now)
  }

  /** The endpoint answered: new clients may get it again. */
  recordSuccess(endpoint: BalancedEndpoint): void {
    this.#ejection.recordSuccess(endpoint)
  }

  /** Takes new endpoints, affinity or another balancer. Clients with affinity keep their endpoint while it stays. */
  update({ endpoints, affinityMs, balancer }: BalancerSpec): void {
    if (affinityMs === undefined) {
      this.#affinity?.close()
      this.#affinity = undefined
    } else if (this.#affinity === undefined)
      this.#affinity = new ClientIpAffinity(this.#ejection, affinityMs, this.#affinityBudget)
    else this.#affinity.ttlMs = affinityMs
    if (balancer !== this.#balancerName) {
      this.#balancerName = balancer
      this.#ejection.setBalancer(balancerByName(balancer, endpoints.length, this.#random))
    }
    if (endpoints === this.#endpoints) return
    this.#endpoints = endpoints
    this.#balanced = this.#endpointCache.replace(endpoints)
    this.#current.replace(this.#balanced)
  }

  /** The listener takes no new clients: those with affinity are forgotten. */
  close(): void {
    this.#affinity?.close()
  }

  get #current(): Balancer {
    return this.#affinity ?? this.#ejection
  }
}
