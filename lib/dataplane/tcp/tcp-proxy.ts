import { type BalancedEndpoint } from '../../balancer/balanced-endpoint.js'
import { familyOf, parseIp } from '../../model/address.js'
import { type TrafficCounts, countShed, zeroTrafficCounts } from '../data-plane.js'
import { ClientFilter, isLoopback } from '../limits/client-filter.js'
import { DialQueue } from '../limits/dial-budget.js'
import { OnDemandListener } from '../on-demand-listener.js'
import { type Listener, type ListenerContext } from '../listener.js'
import { ListenerBalancer } from '../listener-balancer.js'
import { type ListenerSpec, shouldListen } from '../listener-plan.js'
import { namespacedName } from '../limits/service-limits.js'
import { isLocalResourceError } from '../transport/socket-error.js'
import { TcpConnection } from './tcp-connection.js'
import { type TcpServer, type TcpSocket } from '../transport/tcp-transport.js'

/** Connections that may wait in the kernel until we accept them; the kernel caps this at net.core.somaxconn. */
const BACKLOG = 4096

/** One TCP port: accepts, and hands each client to a TcpConnection. Accepting never waits for anything. */
export class TcpProxy implements Listener {
  readonly service: string
  readonly #context: ListenerContext
  readonly #balancer: ListenerBalancer
  readonly #connections = new Set<TcpConnection>()
  readonly #dialQueue = new DialQueue()
  readonly #counts = zeroTrafficCounts()
  readonly #onDemandListener = new OnDemandListener(
    port => this.#openSocket(port),
    () => this.#closeSocket(),
  )
  #server: TcpServer | undefined
  /** Owns clients that get no connection. */
  readonly #refusedOwner = { onClose: () => this.#context.descriptorBudget.release() }
  #spec: ListenerSpec
  #filter: ClientFilter

  constructor(spec: ListenerSpec, context: ListenerContext) {
    this.#context = context
    this.service = namespacedName(spec)
    this.#spec = spec
    this.#filter = new ClientFilter(spec.sourceRanges)
    this.#balancer = new ListenerBalancer(spec, context.random)
  }

  open(): Promise<number> {
    return this.#onDemandListener.open(
      this.#spec.port,
      shouldListen(this.#spec),
      this.#context.boundSockets !== undefined,
    )
  }

  update(spec: ListenerSpec): Promise<void> | undefined {
    if (spec.sourceRanges !== this.#spec.sourceRanges) this.#filter = new ClientFilter(spec.sourceRanges)
    this.#spec = spec
    this.#balancer.update(spec)
    return this.#onDemandListener.setDesired(shouldListen(spec))
  }

  close(): void {
    this.#onDemandListener.close()
  }

  abortConnections(): number {
    const count = this.#connections.size
    for (const connection of this.#connections) connection.reset()
    return count
  }

  countBusy(): number {
    return this.#connections.size
  }

  counts(): TrafficCounts {
    const { ejections } = this.#balancer
    const ejected = this.#balancer.countEjected(this.#context.clock.now())
    const total = { ...this.#counts, active: this.#connections.size, ejections, ejected }
    for (const connection of this.#connections) {
      total.bytesToEndpoint += connection.bytesToEndpoint
      total.bytesToClient += connection.bytesToClient
    }
    return total
  }

  *clientAddresses(): Generator<string> {
    for (const { clientAddress } of this.#connections) yield clientAddress
  }

  get #logFields() {
    return { servicePort: this.#spec.key }
  }

  #accept(client: TcpSocket): void {
    const { descriptorBudget, serviceLimits, upstreamSockets, log } = this.#context
    descriptorBudget.countExisting()
    client.owner = this.#refusedOwner
    const peer = client.remoteAddress()
    // A client that is gone again has no address any more.
    if (peer === undefined) return client.close()
    if (descriptorBudget.available < 0) {
      descriptorBudget.countShed()
      return this.#refuse(client)
    }
    const address = canonicalAddress(peer.ip)
    if (!this.#filter.allows(address) || (this.#spec.holdsNodePort && !isLoopback(address))) return this.#refuse(client)
    if (upstreamSockets.tcp.has(peer, { ip: this.#spec.address, port: this.#server!.port })) {
      log.warn(
        'Refused a connection that came from this proxy itself: an endpoint of the Service is a Service address',
        this.#logFields,
      )
      return this.#refuse(client)
    }
    const limit = serviceLimits.admit(this.service, address)
    if (limit !== undefined) {
      countShed(this.#counts, limit)
      if (log.enabled(3)) log.info(3, 'Refused a connection at a limit', { ...this.#logFields, client: address, limit })
      return this.#refuse(client)
    }
    this.#counts.connections++
    let endpoint: BalancedEndpoint | undefined
    const connection: TcpConnection = new TcpConnection(client, address, this.#context, this.#dialQueue, {
      pick: avoid => (endpoint = this.#balancer.acquire(address, this.#context.clock.now(), avoid, endpoint)),
      onConnect: () => this.#balancer.recordSuccess(endpoint!),
      onAttemptFailed: (target, error) => {
        this.#balancer.recordFailure(endpoint!, this.#context.clock.now())
        this.#counts.dialFailures++
        if (log.enabled(3)) {
          log.info(3, 'Endpoint did not take a connection', {
            ...this.#logFields,
            endpoint: `${target.ip}:${target.port}`,
            error: error.message,
          })
        }
      },
      onRefused: error => {
        this.#counts.refused++
        if (isLocalResourceError(error)) log.error('Cannot open a connection to an endpoint', error, this.#logFields)
        else log.info(3, 'No endpoint took the connection', { ...this.#logFields, client: address })
      },
      onClose: broken => {
        this.#connections.delete(connection)
        this.#balancer.release(endpoint)
        serviceLimits.release(this.service, address)
        this.#counts.bytesToEndpoint += connection.bytesToEndpoint
        this.#counts.bytesToClient += connection.bytesToClient
        if (broken !== undefined && log.enabled(4)) {
          log.info(4, 'Connection broke off', { ...this.#logFields, by: broken.side, error: broken.error.message })
        }
        this.#context.onConnectionEnd()
      },
    })
    this.#connections.add(connection)
    connection.start()
  }

  async #openSocket(port: number): Promise<number> {
    const { transport, timings, log, descriptorBudget, boundSockets } = this.#context
    this.#server = await transport.listen({
      bound: boundSockets?.take(this.#spec.key),
      address: this.#spec.address,
      port,
      backlog: BACKLOG,
      keepAliveMs: timings.keepAliveIdle,
      onClient: client => this.#accept(client),
      onError: error => log.error('Cannot accept a connection', error, this.#logFields),
    })
    descriptorBudget.countExisting()
    return this.#server.port
  }

  #closeSocket(): void {
    this.#server?.close()
    this.#server = undefined
    this.#context.descriptorBudget.release()
  }

  #refuse(client: TcpSocket): void {
    this.#counts.refused++
    client.reset()
  }
}

/** The one text form of a client's address. The kernel writes IPv4 so; an IPv6 address may be an IPv4 one inside. */
function canonicalAddress(ip: string): string {
  return familyOf(ip) === 'IPv4' ? ip : (parseIp(ip) ?? ip)
}
