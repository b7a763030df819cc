import { type BalancedEndpoint } from '../balancer/balanced-endpoint.js'
import { familyOf, parseIp } from '../model/address.js'
import { type TrafficCounts, countShed, noTraffic } from './data-plane.js'
import { ClientFilter, isLoopback } from './client-filter.js'
import { DialLine } from './dial-budget.js'
import { HeldPort } from './held-port.js'
import { type Listener, type ListenerContext } from './listener.js'
import { ListenerBalancer } from './listener-balancer.js'
import { type ListenerSpec, hasToListen } from './listener-plan.js'
import { serviceOf } from './service-limits.js'
import { isOurs } from './socket-error.js'
import { TcpConnection } from './tcp-connection.js'
import { type TcpDoor, type TcpSocket } from './tcp-transport.js'

/** Connections that may wait in the kernel until we accept them; the kernel caps this at net.core.somaxconn. */
const BACKLOG = 4096

/** One TCP port: accepts, and hands each client to a TcpConnection. Accepting never waits for anything. */
export class TcpProxy implements Listener {
  readonly service: string
  readonly #context: ListenerContext
  readonly #balancer: ListenerBalancer
  readonly #connections = new Set<TcpConnection>()
  readonly #line = new DialLine()
  readonly #ended = noTraffic()
  readonly #held = new HeldPort(
    port => this.#listen(port),
    () => this.#shut(),
  )
  #door: TcpDoor | undefined
  /** Owns clients that get no connection. */
  readonly #turnedAway = { closed: () => this.#context.descriptors.give() }
  #spec: ListenerSpec
  #filter: ClientFilter

  constructor(spec: ListenerSpec, context: ListenerContext) {
    this.#context = context
    this.service = serviceOf(spec)
    this.#spec = spec
    this.#filter = new ClientFilter(spec.clients)
    this.#balancer = new ListenerBalancer(spec, context.random)
  }

  open(): Promise<number> {
    return this.#held.open(this.#spec.port, hasToListen(this.#spec), this.#context.boundSockets !== undefined)
  }

  update(spec: ListenerSpec): Promise<void> | undefined {
    if (spec.clients !== this.#spec.clients) this.#filter = new ClientFilter(spec.clients)
    this.#spec = spec
    this.#balancer.update(spec)
    return this.#held.want(hasToListen(spec))
  }

  close(): void {
    this.#held.close()
  }

  cutOff(): number {
    const count = this.#connections.size
    for (const connection of this.#connections) connection.reset()
    return count
  }

  busy(): number {
    return this.#connections.size
  }

  counts(): TrafficCounts {
    const { ejections } = this.#balancer
    const ejected = this.#balancer.ejected(this.#context.clock.now())
    const total = { ...this.#ended, active: this.#connections.size, ejections, ejected }
    for (const connection of this.#connections) {
      total.bytesToEndpoint += connection.bytesToEndpoint
      total.bytesToClient += connection.bytesToClient
    }
    return total
  }

  *clients(): Generator<string> {
    for (const { address } of this.#connections) yield address
  }

  get #label() {
    return { servicePort: this.#spec.key }
  }

  #accept(client: TcpSocket): void {
    const { descriptors, limits, ownSockets, log } = this.#context
    descriptors.note()
    client.owner = this.#turnedAway
    const peer = client.remote()
    // A client that is gone again has no address any more.
    if (peer === undefined) return client.close()
    if (descriptors.left < 0) {
      descriptors.countShed()
      return this.#refuse(client)
    }
    const address = canonical(peer.ip)
    if (!this.#filter.allows(address) || (this.#spec.holdsNodePort && !isLoopback(address))) return this.#refuse(client)
    if (ownSockets.tcp.has(peer, { ip: this.#spec.address, port: this.#door!.port })) {
      log.warn(
        'Refused a connection that came from this proxy itself: an endpoint of the Service is a Service address',
        this.#label,
      )
      return this.#refuse(client)
    }
    const limit = limits.admit(this.service, address)
    if (limit !== undefined) {
      countShed(this.#ended, limit)
      if (log.enabled(3)) log.info(3, 'Refused a connection at a limit', { ...this.#label, client: address, limit })
      return this.#refuse(client)
    }
    this.#ended.connections++
    let endpoint: BalancedEndpoint | undefined
    const connection: TcpConnection = new TcpConnection(client, address, this.#context, this.#line, {
      choose: avoid => (endpoint = this.#balancer.take(address, this.#context.clock.now(), avoid, endpoint)),
      onConnected: () => this.#balancer.succeeded(endpoint!),
      onDialFailure: (target, error) => {
        this.#balancer.failed(endpoint!, this.#context.clock.now())
        this.#ended.dialFailures++
        if (log.enabled(3)) {
          log.info(3, 'Endpoint did not take a connection', {
            ...this.#label,
            endpoint: `${target.ip}:${target.port}`,
            error: error.message,
          })
        }
      },
      onRefused: error => {
        this.#ended.refused++
        if (isOurs(error)) log.error('Cannot open a connection to an endpoint', error, this.#label)
        else log.info(3, 'No endpoint took the connection', { ...this.#label, client: address })
      },
      onDone: broken => {
        this.#connections.delete(connection)
        this.#balancer.giveBack(endpoint)
        limits.closed(this.service, address)
        this.#ended.bytesToEndpoint += connection.bytesToEndpoint
        this.#ended.bytesToClient += connection.bytesToClient
        if (broken !== undefined && log.enabled(4)) {
          log.info(4, 'Connection broke off', { ...this.#label, by: broken.side, error: broken.error.message })
        }
        this.#context.onIdle()
      },
    })
    this.#connections.add(connection)
    connection.start()
  }

  async #listen(port: number): Promise<number> {
    const { transport, timings, log, descriptors, boundSockets } = this.#context
    this.#door = await transport.listen({
      bound: boundSockets?.take(this.#spec.key),
      address: this.#spec.address,
      port,
      backlog: BACKLOG,
      keepAliveMs: timings.keepAlive,
      onClient: client => this.#accept(client),
      onError: error => log.error('Cannot accept a connection', error, this.#label),
    })
    descriptors.note()
    return this.#door.port
  }

  #shut(): void {
    this.#door?.close()
    this.#door = undefined
    this.#context.descriptors.give()
  }

  #refuse(client: TcpSocket): void {
    this.#ended.refused++
    client.reset()
  }
}

/** The one text form of a client's address. The kernel writes IPv4 so; an IPv6 address may be an IPv4 one inside. */
function canonical(ip: string): string {
  return familyOf(ip) === 'IPv4' ? ip : (parseIp(ip) ?? ip)
}
