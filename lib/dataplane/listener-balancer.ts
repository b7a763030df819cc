import { type Balancer, type Target } from '../balancer/balancer.js'
import { ClientIpAffinity } from '../balancer/client-ip-affinity.js'
import { RoundRobin } from '../balancer/round-robin.js'
import { type ListenerSpec } from './listener-plan.js'

/** The balancer of one listener: round robin, inside ClientIP affinity while the Service asks for it. */
export class ListenerBalancer {
  readonly #roundRobin: RoundRobin
  #affinity: ClientIpAffinity | undefined
  #endpoints: ListenerSpec['endpoints'] = []

  /** @param random a number from 0 (inclusive) to 1 (exclusive): where round robin begins */
  constructor(spec: Pick<ListenerSpec, 'endpoints' | 'affinityMs'>, random: () => number) {
    this.#roundRobin = new RoundRobin(Math.floor(random() * Math.max(1, spec.endpoints.length)))
    this.update(spec)
  }

  pick(client: string, now: number, avoid?: ReadonlySet<string>): Target | undefined {
    return this.#current.pick(client, now, avoid)
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
