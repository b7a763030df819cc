import { type BalancedEndpoint } from '../../balancer/balanced-endpoint.js'
import { hostPort } from '../../model/address.js'
import { type TrafficCounts, countShed, zeroTrafficCounts } from '../data-plane.js'
import { ClientFlows } from './client-flows.js'
import { ClientFilter, isLoopback } from '../limits/client-filter.js'
import { OnDemandListener } from '../on-demand-listener.js'
import { type Listener, type ListenerContext } from '../listener.js'
import { ListenerBalancer } from '../listener-balancer.js'
import { type ListenerSpec, shouldListen } from '../listener-plan.js'
import { namespacedName } from '../limits/service-limits.js'
import { UdpFlow } from './udp-flow.js'
import { type UdpPeer, type UdpSocket } from '../transport/udp-transport.js'

/** The default of 208 KiB is full after three large datagrams. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
/** A flow whose client has been waiting for an answer for less than this holds up a drain, in milliseconds. */
const DRAIN_GRACE_MS = 1000

/** One UDP port: finds or opens the flow of each datagram's sender. Replies leave from this socket, so from the address the rules lead to. */
export class UdpProxy implements Listener {
  readonly service: string
  readonly #context: ListenerContext
  readonly #balancer: ListenerBalancer
  readonly #flows = new ClientFlows()
  readonly #counts = zeroTrafficCounts()
  readonly #onDemandListener = new OnDemandListener(
    port => this.#openSocket(port),
    () => this.#closeSocket(),
  )
  #spec: ListenerSpec
  #filter: ClientFilter
  #socket: UdpSocket | undefined
  /** Where it receives. */
  #port = 0
  #isDraining = false

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
    const changed = spec.endpoints !== this.#spec.endpoints
    if (spec.sourceRanges !== this.#spec.sourceRanges) this.#filter = new ClientFilter(spec.sourceRanges)
    this.#spec = spec
    this.#balancer.update(spec)
    if (changed) {
      const usable = new Set(spec.endpoints.map(({ ip, port }) => hostPort(ip, port)))
      for (const flow of this.#flows.values()) if (!usable.has(flow.endpointKey)) flow.end()
    }
    return this.#onDemandListener.setDesired(shouldListen(spec))
  }

  /** Replies leave through the listening socket, so it stays open until no client waits for one. New clients are not taken. */
  close(): void {
    this.#isDraining = true
    if (this.countBusy() === 0) this.abortConnections()
  }

  abortConnections(): number {
    const waiting = this.countBusy()
    this.#isDraining = true
    this.#onDemandListener.close()
    return waiting
  }

  countBusy(): number {
    const since = this.#context.clock.now() - DRAIN_GRACE_MS
    let count = 0
    for (const flow of this.#flows.values()) if (flow.isWaiting && flow.lastUsed > since) count++
    return count
  }

  counts(): TrafficCounts {
    const { ejections } = this.#balancer
    const ejected = this.#balancer.countEjected(this.#context.clock.now())
    return { ...this.#counts, active: this.#flows.size, ejections, ejected }
  }

  clientAddresses(): Generator<string> {
    return this.#flows.clientAddresses()
  }

  get #logFields() {
    return { servicePort: this.#spec.key }
  }

  async #openSocket(port: number): Promise<number> {
    this.#socket = await this.#context.udpTransport.bind(
      {
        bound: this.#context.boundSockets?.take(this.#spec.key),
        address: this.#spec.address,
        port,
        receiveBufferBytes: RECEIVE_BUFFER_BYTES,
      },
      {
        onMessage: (datagram, from) => this.#handleDatagram(datagram, from),
        // What is wrong with one datagram (a client that vanished, say) must not end the listener.
        onError: error => this.#context.log.info(2, 'UDP listener error', { ...this.#logFields, error: error.message }),
      },
    )
    this.#context.descriptorBudget.countExisting()
    this.#port = this.#socket.port
    return this.#port
  }

  #closeSocket(): void {
    for (const flow of this.#flows.values()) flow.end()
    this.#socket?.close()
    this.#socket = undefined
    this.#context.descriptorBudget.release()
  }

  #handleDatagram(datagram: Buffer, from: UdpPeer): void {
    // RFC 768: from port 0, which nothing can be sent to, no answer is wanted; no honest client of a Service sends so.
    if (from.port === 0) return void this.#counts.refused++
    const flow = this.#flows.get(from) ?? this.#openFlow(from)
    if (flow === undefined) return void this.#counts.refused++
    this.#counts.bytesToEndpoint += datagram.length
    flow.send(datagram)
  }

  #openFlow(from: UdpPeer): UdpFlow | undefined {
    const { descriptorBudget, flowLru, serviceLimits, upstreamSockets, clock, log } = this.#context
    if (this.#isDraining || !this.#filter.allows(from.address)) return undefined
    if (this.#spec.holdsNodePort && !isLoopback(from.address)) return undefined
    const listener = { ip: this.#spec.address, port: this.#port }
    if (upstreamSockets.udp.has({ ip: from.address, port: from.port }, listener)) {
      log.warn(
        'Dropped a datagram that came from this proxy itself: an endpoint of the Service is a Service address',
        this.#logFields,
      )
      return undefined
    }
    const limit = serviceLimits.admit(this.service, from.address)
    if (limit !== undefined) {
      countShed(this.#counts, limit)
      if (log.enabled(3))
        log.info(3, 'Dropped a datagram at a limit', { ...this.#logFields, client: from.address, limit })
      return undefined
    }
    if (!descriptorBudget.tryAcquire() && !(flowLru.evictOldest() && descriptorBudget.tryAcquire())) {
      serviceLimits.release(this.service, from.address)
      descriptorBudget.countShed()
      return undefined
    }
    let endpoint: BalancedEndpoint | undefined
    const sendReply = (reply: Buffer): void => this.#socket?.sendTo(reply, from)
    const flow = new UdpFlow(this.#context, {
      pick: avoid => (endpoint = this.#balancer.acquire(from.address, clock.now(), avoid, endpoint)),
      onReply: reply => {
        this.#balancer.recordSuccess(endpoint!)
        this.#counts.bytesToClient += reply.length
        this.#context.sendBurst.add(sendReply, reply)
      },
      onEndpointFailed: (target, error) => {
        this.#balancer.recordFailure(endpoint!, clock.now())
        this.#counts.dialFailures++
        if (log.enabled(3)) {
          log.info(3, 'Endpoint did not take a datagram', {
            ...this.#logFields,
            endpoint: `${target.ip}:${target.port}`,
            error: error.message,
          })
        }
      },
      onLocalError: error => log.error('Cannot send to an endpoint', error, this.#logFields),
      onEnd: () => {
        this.#flows.delete(from)
        this.#balancer.release(endpoint)
        serviceLimits.release(this.service, from.address)
        this.#context.onConnectionEnd()
      },
    })
    flowLru.add(flow, clock.now())
    this.#flows.add(from, flow)
    if (!flow.start()) return undefined
    this.#counts.connections++
    return flow
  }
}
