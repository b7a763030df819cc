import { ConnectionLimit, type ConnectionLimits, type ReachedLimit } from '../../balancer/connection-limit.js'
import { type ListenerPlan, type ListenerSpec, hasConnectionLimit } from '../listener-plan.js'

/** The Service that a listener belongs to: `namespace/name`. */
export function namespacedName({ namespace, service }: Pick<ListenerSpec, 'namespace' | 'service'>): string {
  return `${namespace}/${service}`
}

/** A listener, as far as its connections are counted. */
interface CountedListener {
  readonly service: string
  clientAddresses(): Iterable<string>
}

/**
 * The connection limits of Services. The connections of a Service are counted over all its listeners: all ports, families and
 * kinds of addresses, and closed listeners with open connections. Services without a limit are not counted.
 */
export class ServiceLimits {
  readonly #byService = new Map<string, ConnectionLimit>()

  /**
   * Takes the limits of a plan, which apply at once.
   * @param listeners all listeners that may have connections; these are counted for a Service that had no limit before
   */
  apply(plan: ListenerPlan, listeners: Iterable<CountedListener>): void {
    const desired = limitsByService(plan)
    for (const service of this.#byService.keys()) if (!desired.has(service)) this.#byService.delete(service)
    const added = new Map<string, ConnectionLimit>()
    for (const [service, limits] of desired) {
      const limit = this.#byService.get(service)
      if (limit === undefined) added.set(service, new ConnectionLimit(limits))
      else limit.limits = limits
    }
    if (added.size === 0) return
    for (const listener of listeners) {
      const limit = added.get(listener.service)
      if (limit !== undefined) for (const client of listener.clientAddresses()) limit.add(client)
    }
    for (const [service, limit] of added) this.#byService.set(service, limit)
  }

  /** Counts one more connection of the client, or returns the limit that does not allow it. */
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
