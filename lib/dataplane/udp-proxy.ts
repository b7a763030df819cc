import { type BalancedEndpoint } from '../balancer/balanced-endpoint.js'
import { hostPort } from '../model/address.js'
import { type TrafficCounts, countShed, noTraffic } from './data-plane.js'
import { ClientFlows } from './client-flows.js'
import { ClientFilter, isLoopback } from './client-filter.js'
import { HeldPort } from './held-port.js'
import { type Listener, type ListenerContext } from './listener.js'
import { ListenerBalancer } from './listener-balancer.js'
import { type ListenerSpec, hasToListen } from './listener-plan.js'
import { serviceOf } from './service-limits.js'
import { UdpFlow } from './udp-flow.js'
import { type UdpPeer, type UdpSocket } from './udp-transport.js'

/** The default of 208 KiB is full after three large datagrams. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
/** A flow whose client has been waiting for an answer for less than this holds up a drain, in milliseconds. */
const DRAIN_PATIENCE = 1000

/** One UDP port: finds or opens the flow of each datagram's sender. Replies leave from this socket, so from the address the rules lead to. */
export class UdpProxy implements Listener {
  readonly service: string
  readonly #context: ListenerContext
  readonly #balancer: ListenerBalancer
  readonly #flows = new ClientFlows()
  readonly #counts = noTraffic()
  readonly #held = new HeldPort(
    port => this.#listen(port),
    () => this.#shut(),
  )
  #spec: ListenerSpec
  #filter: ClientFilter
  #socket: UdpSocket | undefined
  /** Where it receives. */
  #port = 0
  #draining = false

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
    const changed = spec.endpoints !== this.#spec.endpoints
    if (spec.clients !== this.#spec.clients) this.#filter = new ClientFilter(spec.clients)
    this.#spec = spec
    this.#balancer.update(spec)
    if (changed) {
      const usable = new Set(spec.endpoints.map(({ ip, port }) => hostPort(ip, port)))
      for (const flow of this.#flows.values()) if (!usable.has(flow.endpoint)) flow.end()
    }
    return this.#held.want(hasToListen(spec))
  }

  /** Replies leave through the listening socket, so it stays open until no client waits for one. New clients are not taken. */
  close(): void {
    this.#draining = true
    if (this.busy() === 0) this.cutOff()
  }

  cutOff(): number {
    const waiting = this.busy()
    this.#draining = true
    this.#held.close()
    return waiting
  }

  busy(): number {
    const since = this.#context.clock.now() - DRAIN_PATIENCE
    let count = 0
    for (const flow of this.#flows.values()) if (flow.waiting && flow.lastUsed > since) count++
    return count
  }

  counts(): TrafficCounts {
    const { ejections } = this.#balancer
    const ejected = this.#balancer.ejected(this.#context.clock.now())
    return { ...this.#counts, active: this.#flows.size, ejections, ejected }
  }

  clients(): Generator<string> {
    return this.#flows.addresses()
  }

  get #label() {
    return { servicePort: this.#spec.key }
  }

  async #listen(port: number): Promise<number> {
    this.#socket = await this.#context.udpTransport.bind(
      {
        bound: this.#context.boundSockets?.take(this.#spec.key),
        address: this.#spec.address,
        port,
        receiveBufferBytes: RECEIVE_BUFFER_BYTES,
      },
      {
        received: (datagram, from) => this.#receive(datagram, from),
        // What is wrong with one datagram (a client that vanished, say) must not end the listener.
        failed: error => this.#context.log.info(2, 'UDP listener error', { ...this.#label, error: error.message }),
      },
    )
    this.#context.descriptors.note()
    this.#port = this.#socket.port
    return this.#port
  }

  #shut(): void {
    for (const flow of this.#flows.values()) flow.end()
    this.#socket?.close()
    this.#socket = undefined
    this.#context.descriptors.give()
  }

  #receive(datagram: Buffer, from: UdpPeer): void {
    // RFC 768: from port 0, which nothing can be sent to, no answer is wanted; no honest client of a Service sends so.
    if (from.port === 0) return void this.#counts.refused++
    const flow = this.#flows.get(from) ?? this.#openFlow(from)
    if (flow === undefined) return void this.#counts.refused++
    this.#counts.bytesToEndpoint += datagram.length
    flow.send(datagram)
  }

  #openFlow(from: UdpPeer): UdpFlow | undefined {
    const { descriptors, flowOrder, limits, ownSockets, clock, log } = this.#context
    if (this.#draining || !this.#filter.allows(from.address)) return undefined
    if (this.#spec.holdsNodePort && !isLoopback(from.address)) return undefined
    const listener = { ip: this.#spec.address, port: this.#port }
    if (ownSockets.udp.has({ ip: from.address, port: from.port }, listener)) {
      log.warn(
        'Dropped a datagram that came from this proxy itself: an endpoint of the Service is a Service address',
        this.#label,
      )
      return undefined
    }
    const limit = limits.admit(this.service, from.address)
    if (limit !== undefined) {
      countShed(this.#counts, limit)
      if (log.enabled(3)) log.info(3, 'Dropped a datagram at a limit', { ...this.#label, client: from.address, limit })
      return undefined
    }
    if (!descriptors.tryTake() && !(flowOrder.endOldest() && descriptors.tryTake())) {
      limits.closed(this.service, from.address)
      descriptors.countShed()
      return undefined
    }
    let endpoint: BalancedEndpoint | undefined
    const sendReply = (reply: Buffer): void => this.#socket?.sendTo(reply, from)
    const flow = new UdpFlow(this.#context, {
      choose: avoid => (endpoint = this.#balancer.take(from.address, clock.now(), avoid, endpoint)),
      onReply: reply => {
        this.#balancer.succeeded(endpoint!)
        this.#counts.bytesToClient += reply.length
        this.#context.sendBurst.add(sendReply, reply)
      },
      onEndpointFailed: (target, error) => {
        this.#balancer.failed(endpoint!, clock.now())
        this.#counts.dialFailures++
        if (log.enabled(3)) {
          log.info(3, 'Endpoint did not take a datagram', {
            ...this.#label,
            endpoint: `${target.ip}:${target.port}`,
            error: error.message,
          })
        }
      },
      onOurError: error => log.error('Cannot send to an endpoint', error, this.#label),
      onEnd: () => {
        this.#flows.delete(from)
        this.#balancer.giveBack(endpoint)
        limits.closed(this.service, from.address)
        this.#context.onIdle()
      },
    })
    flowOrder.add(flow, clock.now())
    this.#flows.add(from, flow)
    if (!flow.start()) return undefined
    this.#counts.connections++
    return flow
  }
}
