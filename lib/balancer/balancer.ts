import { type BalancedEndpoint } from './balanced-endpoint.js'

/** Where a balancer may send a client. */
export interface Target {
  readonly ip: string
  readonly port: number
}

/** `ip:port` of endpoints to avoid: a Set, or a Map that somebody keeps by that key anyway. */
export interface AvoidedEndpoints {
  readonly size: number
  has(key: string): boolean
  keys(): Iterable<string>
}

/**
 * Decides which endpoint a client gets. Pure state: no clock, no sockets, no dice; time and chance come in as arguments.
 *
 *     const book = new EndpointBook()
 *     const balancer = new ClientIpAffinity(new RoundRobin(0), 10_800_000)
 *     balancer.replace(book.replace([{ ip: '10.244.0.5', port: 80 }, { ip: '10.244.0.6', port: 80 }]))
 *     balancer.pick('10.244.0.9', now)                                       // 10.244.0.5:80, and from now on always
 *     balancer.pick('10.244.0.9', now, new Set(['10.244.0.5:80']))          // that one just failed: 10.244.0.6:80
 */
export interface Balancer {
  /**
   * The next endpoint for a client (its IP address, without port), or undefined when there is none.
   * `avoid` holds the `ip:port` of endpoints that just failed for this client; one of them is returned only when there
   * is no other. `now` is in milliseconds, of a clock that only goes forward.
   */
  pick(client: string, now: number, avoid?: AvoidedEndpoints): BalancedEndpoint | undefined
  /** Takes the whole new list. Endpoints that stay keep their place in turn, and their clients. */
  replace(endpoints: readonly BalancedEndpoint[]): void
}

export const AVOID_NONE: ReadonlySet<string> = new Set()
