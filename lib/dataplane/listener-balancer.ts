import { type Balancer, type Target } from '../balancer/balancer.js'
import { hostPort } from '../model/address.js'
import { ClientIpAffinity } from '../balancer/client-ip-affinity.js'
import { PassiveEjection } from '../balancer/passive-ejection.js'
import { RoundRobin } from '../balancer/round-robin.js'
import { type ListenerSpec } from './listener-plan.js'

/** How long an endpoint that could not be reached gets no new clients, in milliseconds. */
const EJECTION_MS = 2000

/** The balancer of one listener: round robin over endpoints that work, inside ClientIP affinity while the Service asks for it. */
export class ListenerBalancer {
  readonly #roundRobin: PassiveEjection
  #affinity: ClientIpAffinity | undefined
  #endpoints: ListenerSpec['endpoints'] = []

  /** @param random a number from 0 (inclusive) to 1 (exclusive): where round robin begins */
  constructor(spec: Pick<ListenerSpec, 'endpoints' | 'affinityMs'>, random: () => number) {
    this.#roundRobin = new PassiveEjection(
      new RoundRobin(Math.floor(random() * Math.max(1, spec.endpoints.length))),
      EJECTION_MS,
    )
    this.update(spec)
  }

  pick(client: string, now: number, avoid?: ReadonlySet<string>): Target | undefined {
    return this.#current.pick(client, now, avoid)
  }

  /** The endpoint could not be reached: for a while new clients get others, if there are any. */
  failed({ ip, port }: Target, now: number): void {
    this.#roundRobin.failed(hostPort(ip, port), now)
  }

  update({ endpoints, affinityMs }: Pick<ListenerSpec, 'endpoints' | 'affinityMs'>): void {
    if (affinityMs === undefined) this.#affinity = undefined
    else if (this.#affinity === undefined) this.#affinity = new ClientIpAffinity(this.#roundRobin, affinityMs)
    else this.#affinity.ttlMs = affinityMs
    if (endpoints === this.#endpoints) return
    this.#endpoints = endpoints
    this.#current.replace(endpoints)
  }

  get #current(): Balancer {
    return this.#affinity ?? this.#roundRobin
  }
}
