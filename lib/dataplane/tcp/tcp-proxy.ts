import { familyOf, parseIp } from '../../model/address.js'
import { type TrafficCounts } from '../data-plane.js'
import { DialQueue } from '../limits/dial-budget.js'
import { type InspectStep, type InspectedConnection } from '../inspect-request.js'
import { type Listener } from '../listener.js'
import { ListenerClients } from '../listener-clients.js'
import { type ListenerContext } from '../listener-context.js'
import { type ListenerSpec } from '../listener-plan.js'
import { OnDemandListener } from '../on-demand-listener.js'
import { type SpliceFailure, type TcpServer, type TcpSocket, type TcpSocketOwner } from '../transport/tcp-transport.js'
import { type ServiceConnections } from './service-connections.js'
import { TcpConnection, type TcpConnectionOwner } from './tcp-connection.js'

/** Connections that may wait in the kernel before they are accepted; the kernel caps this at net.core.somaxconn. */
const BACKLOG = 4096

/** One TCP port: accepts clients, and gives each one a TcpConnection. Accepting never waits for anything. */
export class TcpProxy implements Listener {
  readonly #context: ListenerContext
  readonly clients: ListenerClients
  readonly #connections = new Set<TcpConnection>()
  /** Of all listeners of the Service. */
  readonly #serviceConnections: ServiceConnections
  readonly #dialQueue: DialQueue
  readonly #onDemandListener: OnDemandListener
  /** Of every connection of this listener. */
  readonly #connectionOwner: TcpConnectionOwner = {
    onConnect: connection => {
      this.#serviceConnections.add(connection, connection.lease.client, this.#context.clock.now())
      this.clients.happenings.note('opened', connection)
    },
    onRetry: (connection, error, { key: next }) =>
      this.clients.happenings.note('retried', connection, { next, why: error?.message ?? '' }),
    onRefused: (connection, error) => this.#handleRefusal(connection, error),
    // At once, so that it does not give way to another client a second time.
    onReset: connection => this.#serviceConnections.remove(connection),
    onEnd: (connection, failure) => this.#handleEnd(connection, failure),
  }
  /** Of clients that get no connection. */
  readonly #refusedOwner: TcpSocketOwner = {
    onClose: () => this.#context.descriptorBudget.release(this.#dialQueue.share),
  }
  #server: TcpServer | undefined

  constructor(spec: ListenerSpec, context: ListenerContext) {
    this.#context = context
    this.clients = new ListenerClients(spec, context)
    this.#serviceConnections = context.tcpShares.of(this.clients.service)
    this.#dialQueue = new DialQueue(this.#serviceConnections.descriptors)
    this.#serviceConnections.addQueue(this.#dialQueue)
    this.#onDemandListener = new OnDemandListener(
      context.descriptorBudget,
      port => this.#openSocket(port),
      () => this.#closeSocket(),
    )
  }

  get service(): string {
    return this.clients.service
  }

  get active(): number {
    return this.#connections.size
  }

  get isListening(): boolean {
    return this.#onDemandListener.isListening
  }

  open(): Promise<number> {
    return this.#onDemandListener.open(this.clients.spec, this.#context.boundSockets !== undefined)
  }

  update(spec: ListenerSpec): Promise<void> | undefined {
    this.clients.update(spec)
    return this.#onDemandListener.update(spec)
  }

  close(): void {
    this.#serviceConnections.removeQueue(this.#dialQueue)
    this.#onDemandListener.close()
    this.clients.close()
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
    const counts = this.clients.counts(this.#connections.size)
    for (const connection of this.#connections) {
      counts.bytesToEndpoint += connection.bytesToEndpoint
      counts.bytesToClient += connection.bytesToClient
    }
    return counts
  }

  *inspectConnections(): Generator<InspectStep<InspectedConnection>> {
    const now = this.#context.clock.now()
    for (const connection of this.#connections) {
      const { id, client, endpointKey, clientPort, state, openedAt, tries, bytesToEndpoint, bytesToClient } = connection
      // While the caller does other work, others come.
      if (openedAt > now) return
      yield {
        listener: this.clients.identity,
        ...{ id, client, clientPort, endpoint: endpointKey, state },
        openedMsAgo: now - openedAt,
        ...{ tries, bytesToEndpoint, bytesToClient },
      }
    }
  }

  *clientAddresses(): Generator<string> {
    for (const { lease } of this.#connections) yield lease.client
  }

  async #openSocket(port: number): Promise<number> {
    const { transport, timings, log, boundSockets } = this.#context
    const { key, address } = this.clients.spec
    this.#server = await transport.listen({
      bound: boundSockets?.take(key),
      address,
      port,
      backlog: BACKLOG,
      keepAliveMs: timings.keepAliveIdle,
      onClient: client => this.#accept(client),
      onError: error => log.error('Cannot accept a connection', error, this.clients.logFields),
    })
    return this.#server.port
  }

  #closeSocket(): void {
    this.#server?.close()
    this.#server = undefined
  }

  #accept(client: TcpSocket): void {
    const { descriptorBudget } = this.#context
    const { happenings } = this.clients
    descriptorBudget.countExisting(this.#dialQueue.share)
    client.owner = this.#refusedOwner
    const peer = client.remoteAddress()
    // A client that is gone already has no address any more.
    if (peer === undefined) return client.close()
    if (descriptorBudget.available < 0) {
      descriptorBudget.countShed()
      if (happenings.isWatched)
        happenings.noteRefusal(canonicalAddress(peer.ip), peer.port, 'no file descriptor is free')
      return this.#refuse(client)
    }
    const address = canonicalAddress(peer.ip)
    const lease = this.clients.admit(address, peer, this.#server!.port)
    if (lease === undefined) return this.#refuse(client)
    this.clients.traffic.connections++
    const connection = new TcpConnection(
      client,
      peer.port,
      lease,
      this.#dialQueue,
      this.#context,
      this.#connectionOwner,
    )
    this.#connections.add(connection)
    connection.start()
  }

  #refuse(client: TcpSocket): void {
    this.clients.traffic.refused++
    client.reset()
  }

  #handleRefusal(connection: TcpConnection, error: Error | undefined): void {
    const { log } = this.#context
    const { lease } = connection
    const { traffic, logFields, spec } = this.clients
    traffic.refused++
    const why =
      error?.message ?? (spec.endpoints.length === 0 ? 'no endpoint' : 'too many clients wait to be connected')
    this.clients.happenings.note('refused', connection, { why })
    log.info(3, 'No endpoint took the connection', { ...logFields, client: lease.client, error: error?.message })
  }

  #handleEnd(connection: TcpConnection, failure: SpliceFailure | undefined): void {
    const { log, clock, endedConnections, onConnectionEnd } = this.#context
    const { traffic, identity, happenings } = this.clients
    const { lease, client, endpointKey, end, bytesToEndpoint, bytesToClient } = connection
    endedConnections.add(identity, connection, client, endpointKey, end, clock.now(), bytesToEndpoint, bytesToClient)
    // A refusal was reported when it happened.
    if (happenings.isWatched && end !== 'refused')
      happenings.note('ended', connection, { end, bytesToEndpoint, bytesToClient })
    this.#connections.delete(connection)
    this.#serviceConnections.remove(connection)
    lease.release()
    traffic.bytesToEndpoint += bytesToEndpoint
    traffic.bytesToClient += bytesToClient
    if (failure !== undefined && log.enabled(4))
      log.info(4, 'Connection broke off', {
        ...this.clients.logFields,
        by: failure.side,
        error: failure.error.message,
      })
    onConnectionEnd()
  }
}

/** The one text form of a client's address. The kernel writes IPv4 in that form; an IPv6 address may contain an IPv4 one. */
function canonicalAddress(ip: string): string {
  return familyOf(ip) === 'IPv4' ? ip : (parseIp(ip) ?? ip)
}
