import { type BalancedEndpoint } from '../balancer/balanced-endpoint.js'
import { systemCode } from '../model/failure.js'
import { type TrafficCounts, countShed, zeroTrafficCounts } from './data-plane.js'
import { EndpointLease, type LeaseOwner } from './endpoint-lease.js'
import { ClientFilter, isLoopback } from './limits/client-filter.js'
import { type OwnClients } from './limits/own-clients.js'
import { namespacedName } from './limits/service-limits.js'
import {
  type InspectStep,
  type InspectedAffinity,
  type InspectedEndpoint,
  type ListenerIdentity,
} from './inspect-request.js'
import { ListenerBalancer } from './listener-balancer.js'
import { type ListenerContext } from './listener-context.js'
import { ListenerHappenings } from './listener-happenings.js'
import { type ListenerSpec } from './listener-plan.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { isOutOfSourcePorts, isOutOfUdpPorts } from './transport/socket-error.js'
import { type SocketAddress, type UpstreamSockets } from './transport/upstream-sockets.js'

/** Log messages of each protocol. */
const MESSAGES = {
  TCP: { refused: 'Refused a connection', failed: 'Endpoint did not take a connection' },
  UDP: { refused: 'Dropped a datagram', failed: 'Endpoint did not take a datagram' },
} as const

/** Clients wait for a port, and are refused after some seconds. */
const UDP_PORT_HINT = 'All source ports of this node are in use: widen net.ipv4.ip_local_port_range'
const PORT_HINT = 'All source ports for an endpoint are in use: widen net.ipv4.ip_local_port_range, or run more Pods'

/** A problem that lasts or comes again is logged once in this time, in milliseconds. */
const PROBLEM_INTERVAL = 60_000

/**
 * The clients of one listener, the same for TCP and UDP: which of them may come in, which endpoint each one gets, and how many
 * there were.
 */
export class ListenerClients implements LeaseOwner {
  /** The Service of the listener: `namespace/name`. */
  readonly service: string
  /** What rows about this listener name. */
  readonly identity: ListenerIdentity
  readonly happenings: ListenerHappenings
  /** Totals since the listener was made. The listener counts connections and bytes here itself. */
  readonly traffic = zeroTrafficCounts()
  readonly #context: ListenerContext
  readonly #balancer: ListenerBalancer
  readonly #upstreamSockets: UpstreamSockets
  readonly #ownClients: OwnClients
  #spec: ListenerSpec
  #filter: ClientFilter
  /** Undefined until they are needed. */
  #endpointAddresses: ReadonlySet<string> | undefined
  readonly #problems = new OnceReporter()
  #problemsSince = -Infinity

  constructor(spec: ListenerSpec, context: ListenerContext) {
    this.service = namespacedName(spec)
    const { key, namespace, service, portName } = spec
    this.identity = { key, namespace, service, portName, protocol: spec.protocol }
    this.happenings = new ListenerHappenings(this.identity, context.happenings)
    this.#context = context
    this.#balancer = new ListenerBalancer(spec, context.random, context.memory.affinity)
    const protocol = spec.protocol === 'TCP' ? 'tcp' : 'udp'
    this.#upstreamSockets = context.upstreamSockets[protocol]
    this.#ownClients = context.ownClients[protocol]
    this.#spec = spec
    this.#filter = new ClientFilter(spec.sourceRanges)
  }

  get spec(): ListenerSpec {
    return this.#spec
  }

  /** The subject of each log line about this listener. */
  get logFields(): { readonly servicePort: string } {
    return { servicePort: this.#spec.key }
  }

  /** Takes new endpoints, affinity, balancer or source ranges. Clients that came before keep their endpoint. */
  update(spec: ListenerSpec): void {
    if (spec.sourceRanges !== this.#spec.sourceRanges) this.#filter = new ClientFilter(spec.sourceRanges)
    if (spec.endpoints !== this.#spec.endpoints) this.#endpointAddresses = undefined
    this.#spec = spec
    this.#balancer.update(spec)
  }

  /** The listener takes no new clients. */
  close(): void {
    this.#balancer.close()
  }

  /** See OwnClients. */
  isEndpoint(client: string): boolean {
    return this.#ownClients.isEndpoint(client, this.#endpoints)
  }

  /**
   * Decides whether a client may come in. If so, it counts for the limits until its lease is released. Undefined: it may not.
   * @param client the client's address, in its canonical form
   * @param peer the client's end of the socket
   * @param port the port of the listener
   */
  admit(client: string, peer: SocketAddress, port: number): EndpointLease | undefined {
    const { log, serviceLimits } = this.#context
    const { address, protocol, holdsNodePort } = this.#spec
    if (!this.#filter.allows(client))
      return this.#turnAway(client, peer.port, 'not in the source ranges of the Service')
    if (holdsNodePort && !isLoopback(client))
      return this.#turnAway(client, peer.port, 'this socket is for clients on loopback')
    if (this.#upstreamSockets.has(peer, { ip: address, port })) {
      const cause = 'that came from this proxy itself: an endpoint of the Service is a Service address'
      this.#reportNowAndThen('own socket', () => log.warn(`${MESSAGES[protocol].refused} ${cause}`, this.logFields))
      return this.#turnAway(client, peer.port, 'it came from this proxy itself')
    }
    const admitted = this.#ownClients.admit(client, this.#endpoints)
    if (admitted === undefined) {
      const cause = 'of this node or an endpoint: too many are open; an endpoint may lead back to a Service'
      log.info(2, `${MESSAGES[protocol].refused} ${cause}`, this.logFields)
      return this.#turnAway(client, peer.port, 'too many clients of this node or from endpoints')
    }
    const limit = serviceLimits.admit(this.service, client)
    if (limit === undefined) return new EndpointLease(client, this.#balancer, this.#context.clock, this, admitted)
    admitted.release()
    countShed(this.traffic, limit)
    if (log.enabled(3)) log.info(3, `${MESSAGES[protocol].refused} at a limit`, { ...this.logFields, client, limit })
    return this.#turnAway(
      client,
      peer.port,
      limit === 'service-limit' ? 'connection limit of the Service' : 'connection limit of a client',
    )
  }

  onRelease(client: string): void {
    this.#context.serviceLimits.release(this.service, client)
  }

  /** @param active connections or flows that are open now */
  counts(active: number): TrafficCounts {
    const ejected = this.#balancer.countEjected(this.#context.clock.now())
    return { ...this.traffic, active, ejections: this.#balancer.ejections, ejected }
  }

  /** Each endpoint with its state now. */
  *inspectEndpoints(): Generator<InspectedEndpoint> {
    const now = this.#context.clock.now()
    // All at once: they may change between two steps of a caller.
    const ejected = new Map(Array.from(this.#balancer.inspectEjected(now), each => [each.endpoint, each]))
    const next = this.#balancer.peek(now)
    for (const endpoint of this.#balancer.endpoints) {
      const { key: address, open } = endpoint
      const { forMs, msAgo } = ejected.get(endpoint) ?? { forMs: 0, msAgo: 0 }
      const ejection = { ejectedForMs: Math.ceil(forMs), ejectedMsAgo: Math.ceil(msAgo) }
      yield { listener: this.identity, address, open, ...ejection, isNext: endpoint === next }
    }
  }

  /** The clients that keep their endpoint. @param only the client to look for; undefined: all */
  *inspectAffinity(only?: string): Generator<InspectStep<InspectedAffinity>> {
    for (const record of this.#balancer.inspectAffinity(this.#context.clock.now(), only)) {
      if (record === undefined) yield undefined
      else {
        const { client, endpoint, leftMs } = record
        yield { listener: this.identity, client, endpoint: endpoint.key, leftMs: Math.ceil(leftMs) }
      }
    }
  }

  onEndpointFailure(
    { key, ip, port }: BalancedEndpoint,
    { message: error }: Error,
    ejectedForMs: number | undefined,
  ): void {
    const { log } = this.#context
    this.traffic.dialFailures++
    if (ejectedForMs !== undefined) this.happenings.noteEjection(key, error, ejectedForMs)
    if (!log.enabled(3)) return
    log.info(3, MESSAGES[this.#spec.protocol].failed, { ...this.logFields, endpoint: `${ip}:${port}`, error })
  }

  /** Counts a datagram that goes round, and reports that once a minute. */
  dropReturning(client: string): void {
    this.traffic.refused++
    this.#reportNowAndThen('returning', () =>
      this.#context.log.warn('Dropped a datagram that goes round: an endpoint sends it back to the Service', {
        ...this.logFields,
        client,
      }),
    )
  }

  onLocalProblem(error: Error): void {
    this.#reportNowAndThen(systemCode(error) ?? error.message, () =>
      this.#context.log.error('This node lacks what a connection to an endpoint needs', error, {
        ...this.logFields,
        hint: this.#hintFor(error),
      }),
    )
  }

  /** The addresses of the endpoints. */
  get #endpoints(): ReadonlySet<string> {
    return (this.#endpointAddresses ??= new Set(this.#spec.endpoints.map(({ ip }) => ip)))
  }

  #turnAway(client: string, clientPort: number, why: string): undefined {
    this.happenings.noteRefusal(client, clientPort, why)
    return undefined
  }

  #reportNowAndThen(problem: string, report: () => void): void {
    const now = this.#context.clock.now()
    if (now - this.#problemsSince >= PROBLEM_INTERVAL) {
      this.#problems.clear()
      this.#problemsSince = now
    }
    this.#problems.add(problem, report)
  }

  #hintFor(error: Error): string | undefined {
    if (this.#spec.protocol === 'UDP') return isOutOfUdpPorts(error) ? UDP_PORT_HINT : undefined
    return isOutOfSourcePorts(error) ? PORT_HINT : undefined
  }
}
