import { type BalancedEndpoint } from '../balancer/balanced-endpoint.js'
import { type Avoided, type Balancer } from '../balancer/balancer.js'
import { balancerByName } from '../balancer/balancer-by-name.js'
import { ClientIpAffinity } from '../balancer/client-ip-affinity.js'
import { EndpointBook } from '../balancer/endpoint-book.js'
import { PassiveEjection } from '../balancer/passive-ejection.js'
import { type ListenerSpec } from './listener-plan.js'

/** How long an endpoint that could not be reached gets no new clients, in milliseconds: 2, 4, 8, 16, 30, 30 s … */
const EJECTION = { first: 2000, most: 30_000 }

type Wanted = Pick<ListenerSpec, 'endpoints' | 'affinityMs' | 'balancer'>

/** The balancer of one listener: the kind that the Service asks for, over endpoints that work, inside ClientIP affinity. */
export class ListenerBalancer {
  readonly #random: () => number
  readonly #book = new EndpointBook()
  readonly #ejection: PassiveEjection
  #affinity: ClientIpAffinity | undefined
  #endpoints: ListenerSpec['endpoints'] = []
  #name: ListenerSpec['balancer']

  /** @param random gives a number from 0 (inclusive) to 1 (exclusive) */
  constructor(spec: Wanted, random: () => number) {
    this.#random = random
    this.#name = spec.balancer
    this.#ejection = new PassiveEjection(balancerByName(spec.balancer, spec.endpoints.length, random), EJECTION)
    this.update(spec)
  }

  get ejections(): number {
    return this.#ejection.ejections
  }

  /** How many endpoints get no new clients now, for having failed. */
  ejected(now: number): number {
    return this.#ejection.ejected(now)
  }

  /**
   * Picks an endpoint, which from now on counts as used once more, until it is given back.
   *
   * @param instead what this client was given before, and gives back for another try
   */
  take(
    client: string,
    now: number,
    avoid: Avoided,
    instead: BalancedEndpoint | undefined,
  ): BalancedEndpoint | undefined {
    this.giveBack(instead)
    const endpoint = this.#current.pick(client, now, avoid)
    if (endpoint !== undefined) endpoint.open++
    return endpoint
  }

  giveBack(endpoint: BalancedEndpoint | undefined): void {
    if (endpoint !== undefined) endpoint.open--
  }

  /** The endpoint could not be reached: for a while new clients get others, if there are any. */
  failed(endpoint: BalancedEndpoint, now: number): void {
    this.#ejection.failed(endpoint, now)
  }

  succeeded(endpoint: BalancedEndpoint): void {
    this.#ejection.succeeded(endpoint)
  }

  update({ endpoints, affinityMs, balancer }: Wanted): void {
    if (affinityMs === undefined) this.#affinity = undefined
    else if (this.#affinity === undefined) this.#affinity = new ClientIpAffinity(this.#ejection, affinityMs)
    else this.#affinity.ttlMs = affinityMs
    if (balancer !== this.#name) {
      this.#name = balancer
      this.#ejection.use(balancerByName(balancer, endpoints.length, this.#random))
    }
    if (endpoints === this.#endpoints) return
    this.#endpoints = endpoints
    this.#current.replace(this.#book.replace(endpoints))
  }

  get #current(): Balancer {
    return this.#affinity ?? this.#ejection
  }
}
