import { type Server, type Socket, createServer } from 'node:net'
import { parseIp } from '../model/address.js'
import { type TrafficCounts, noTraffic } from './data-plane.js'
import { ClientFilter, isLoopback } from './client-filter.js'
import { HeldPort } from './held-port.js'
import { type Listener, type ListenerContext } from './listener.js'
import { ListenerBalancer } from './listener-balancer.js'
import { type ListenerSpec, hasToListen } from './listener-plan.js'
import { isOurs } from './socket-error.js'
import { TcpConnection } from './tcp-connection.js'

/** Connections that may wait in the kernel until we accept them; the kernel caps this at net.core.somaxconn. */
const BACKLOG = 4096

/** One TCP port: accepts, and hands each client to a TcpConnection. Accepting never waits for anything. */
export class TcpProxy implements Listener {
  readonly #context: ListenerContext
  readonly #balancer: ListenerBalancer
  readonly #connections = new Set<TcpConnection>()
  readonly #ended = noTraffic()
  readonly #held = new HeldPort(
    port => this.#listen(port),
    () => this.#shut(),
  )
  #server: Server | undefined
  #spec: ListenerSpec
  #filter: ClientFilter

  constructor(spec: ListenerSpec, context: ListenerContext) {
    this.#context = context
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
    const total = { ...this.#ended, active: this.#connections.size }
    for (const connection of this.#connections) {
      total.bytesToEndpoint += connection.bytesToEndpoint
      total.bytesToClient += connection.bytesToClient
    }
    return total
  }

  get #label() {
    return { servicePort: this.#spec.key }
  }

  #accept(client: Socket): void {
    const { descriptors, ownSockets, log } = this.#context
    const address = parseIp(client.remoteAddress)
    // A client that is gone again has no address any more.
    if (address === undefined) return void client.destroy()
    descriptors.note()
    client.once('close', () => descriptors.give())
    if (descriptors.exhausted) {
      descriptors.countShed()
      return this.#refuse(client)
    }
    if (!this.#filter.allows(address) || (this.#spec.holdsNodePort && !isLoopback(address))) return this.#refuse(client)
    if (ownSockets.has(client.remoteAddress!, client.remotePort!)) {
      log.warn(
        'Refused a connection that came from this proxy itself: an endpoint of the Service is a Service address',
        this.#label,
      )
      return this.#refuse(client)
    }
    this.#ended.connections++
    const connection: TcpConnection = new TcpConnection(client, address, this.#context, {
      choose: avoid => this.#balancer.pick(address, this.#context.clock.now(), avoid),
      onDialFailure: (target, error) => {
        this.#balancer.failed(target, this.#context.clock.now())
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

  #listen(port: number): Promise<number> {
    const server = createServer({
      allowHalfOpen: true,
      // Nothing is read before there is an endpoint to give it to: a failed dial has lost no byte and can be repeated.
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: this.#context.timings.keepAlive,
    })
    server.on('connection', client => this.#accept(client))
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      const host = this.#spec.address
      const onListening = (): void => {
        server.removeListener('error', reject)
        server.on('error', error => this.#context.log.error('Cannot accept a connection', error, this.#label))
        this.#server = server
        this.#context.descriptors.note()
        resolve((server.address() as { port: number }).port)
      }
      const bound = this.#context.boundSockets?.take(this.#spec.key)
      if (bound !== undefined) server.listen(bound, BACKLOG, onListening)
      else server.listen({ host, port, backlog: BACKLOG, exclusive: true, ipv6Only: host.includes(':') }, onListening)
    })
  }

  #shut(): void {
    this.#server?.close()
    this.#server = undefined
    this.#context.descriptors.give()
  }

  #refuse(client: Socket): void {
    this.#ended.refused++
    client.on('error', () => undefined)
    client.resetAndDestroy()
  }
}
