import { ConnectionLimit, type ConnectionLimits, type ReachedLimit } from '../../balancer/connection-limit.js'
import { type ListenerPlan, type ListenerSpec, hasConnectionLimit } from '../listener-plan.js'

/** The Service that a listener belongs to: `namespace/name`. */
export function namespacedName({ namespace, service }: Pick<ListenerSpec, 'namespace' | 'service'>): string {
  return `${namespace}/${service}`
}

/** What of a listener is counted. */
interface CountedListener {
  readonly service: string
  clientAddresses(): Iterable<string>
}

/**
 * The limits of all Services that have some. A Service is counted over all its listeners together: its ports, families,
 * kinds of addresses, and listeners that are closed and have connections left. Services without limit are not counted.
 */
export class ServiceLimits {
  readonly #byService = new Map<string, ConnectionLimit>()

  /**
   * Takes the limits of a plan, which count at once.
   * @param listeners all that may have connections; they are looked through when a Service that had no limit gets one
   */
  apply(plan: ListenerPlan, listeners: Iterable<CountedListener>): void {
    const desired = limitsByService(plan)
    for (const service of this.#byService.keys()) if (!desired.has(service)) this.#byService.delete(service)
    const fresh = new Map<string, ConnectionLimit>()
    for (const [service, limits] of desired) {
      const limit = this.#byService.get(service)
      if (limit === undefined) fresh.set(service, new ConnectionLimit(limits))
      else limit.limits = limits
    }
    if (fresh.size === 0) return
    for (const listener of listeners) {
      const limit = fresh.get(listener.service)
      if (limit !== undefined) for (const client of listener.clientAddresses()) limit.add(client)
    }
    for (const [service, limit] of fresh) this.#byService.set(service, limit)
  }

  /** Counts one more connection of the client, or names the limit that turns it away. */
  admit(service: string, client: string): ReachedLimit | undefined {
    const limit = this.#byService.get(service)
    if (limit === undefined) return undefined
    const reached = limit.check(client)
    if (reached === undefined) limit.add(client)
    return reached
  }

  /** A connection that was admitted has ended. */
  release(service: string, client: string): void {
    this.#byService.get(service)?.remove(client)
  }
}

function limitsByService(plan: ListenerPlan): Map<string, ConnectionLimits> {
  const limits = new Map<string, ConnectionLimits>()
  for (const spec of plan.values()) {
    if (!hasConnectionLimit(spec)) continue
    limits.set(namespacedName(spec), { perService: spec.maxConnections, perClient: spec.maxConnectionsPerClient })
  }
  return limits
}
