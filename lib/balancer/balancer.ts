import { type BalancedEndpoint } from './balanced-endpoint.js'

/** Where a balancer may send a client. */
export interface Target {
  readonly ip: string
  readonly port: number
}

/** Endpoints to avoid. */
export interface AvoidedEndpoints {
  /** 0 if there are none for sure: then a balancer does not ask. */
  readonly size: number
  has(endpoint: BalancedEndpoint): boolean
}

/**
 * Decides which endpoint a client gets. Pure state: no clock, no sockets, no random numbers of its own; these are arguments.
 *
 *     const cache = new EndpointCache()
 *     const balancer = new ClientIpAffinity(new RoundRobin(0), 10_800_000)
 *     balancer.replace(cache.replace([{ ip: '10.244.0.5', port: 80 }, { ip: '10.244.0.6', port: 80 }]))
 *     const endpoint = balancer.pick('10.244.0.9', now)                      // 10.244.0.5:80, and from now on always
 *     balancer.pick('10.244.0.9', now, new Set([endpoint]))                  // that one just failed: 10.244.0.6:80
 */
export interface Balancer {
  /**
   * Picks the endpoint for a client; undefined when there is none.
   * @param client the client's IP address, without port
   * @param now milliseconds of a clock that only goes forward
   * @param avoid endpoints that just failed for this client; one of them is picked only when there is no other
   */
  pick(client: string, now: number, avoid?: AvoidedEndpoints): BalancedEndpoint | undefined
  /** Takes the whole new list. Endpoints that stay keep their turn and their clients. */
  replace(endpoints: readonly BalancedEndpoint[]): void
}

/** A balancer below `PassiveEjection`. */
export interface NarrowableBalancer extends Balancer {
  /**
   * Picks only among these endpoints from now on, until the next call of this method or of `replace`. It takes no time.
   * @param candidates some of the list, in its order
   */
  narrow(candidates: readonly BalancedEndpoint[]): void
  /** The candidate that the next client would get, without a pick. Undefined: there is none, or chance decides. */
  peek(): BalancedEndpoint | undefined
}

/** For a client without failed endpoints. */
export const AVOID_NONE: ReadonlySet<BalancedEndpoint> = new Set()
