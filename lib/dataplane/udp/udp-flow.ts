import { type BalancedEndpoint } from '../../balancer/balanced-endpoint.js'
import { systemCode } from '../../model/failure.js'
import { type EndpointLease } from '../endpoint-lease.js'
import { type ListenerContext } from '../listener-context.js'
import { isLocalResourceError, isOutOfUdpPorts, ownSocketError } from '../transport/socket-error.js'
import { type UdpConnector, type UdpPeer, type UdpSocket } from '../transport/udp-transport.js'
import { type UpstreamSocketKey } from '../transport/upstream-sockets.js'
import { type ClientHolding, type Held } from '../limits/held-by-client.js'
import { type ServiceFlow, type ServiceFlows } from './service-flows.js'

/** The most endpoints for one datagram. */
const MAX_ATTEMPTS = 16
/** How often a flow ends another one to get its source port, which another program may take first. */
const MAX_PORT_ATTEMPTS = 4
/** After so many answers, a flow is one of those that make room for others last. One question has an answer or two. */
const ASSURED_REPLIES = 3

/** The listener of a flow. */
export interface UdpFlowOwner {
  /** The flows of its Service. */
  readonly serviceFlows: ServiceFlows
  /** The endpoint has sent a datagram of so many bytes; it leaves at the end of this turn of the event loop. */
  onReply(bytes: number): void
  /** Sends a datagram of the endpoint to the client. */
  sendReply(datagram: Buffer, client: UdpPeer): void
  /** The endpoint, or this node, has failed; `next` gets the datagram, undefined: none does. */
  onEndpointFailed(flow: UdpFlow, error: Error, next: BalancedEndpoint | undefined): void
  /** The flow has ended, and its socket is closed. Called once. */
  onEnd(flow: UdpFlow): void
}

/**
 * The datagrams of one client, to one endpoint and back, through a connected socket of its own. The kernel then drops datagrams
 * from any other sender, and reports when the port of the endpoint is closed (ICMP port unreachable).
 *
 * When that happens, the flow moves to another endpoint at once, and sends the datagram without a reply again.
 */
export class UdpFlow implements ServiceFlow {
  readonly client: UdpPeer
  readonly lease: EndpointLease
  readonly id: number
  readonly openedAt: number
  lastUsed = 0
  readonly tries = 0
  holding: ClientHolding | undefined
  older: Held | undefined
  newer: Held | undefined
  readonly #context: ListenerContext
  readonly #owner: UdpFlowOwner
  /** Endpoints that failed since the last reply. */
  readonly #failed = new Set<BalancedEndpoint>()
  #endpoint: BalancedEndpoint | undefined
  #upstream: UdpSocket | undefined
  #upstreamKey: UpstreamSocketKey | undefined
  /** Whether the endpoint has not replied to the last datagram of the client. */
  #isUnanswered = false
  /** That datagram, if there was memory to keep it. */
  #unanswered: Buffer | undefined
  /** How many replies, up to `ASSURED_REPLIES`. */
  #replies = 0
  #portAttempts = 0
  #hasEnded = false

  constructor(client: UdpPeer, lease: EndpointLease, context: ListenerContext, owner: UdpFlowOwner) {
    this.client = client
    this.id = context.nextConnectionId()
    this.openedAt = context.clock.now()
    this.lease = lease
    this.#context = context
    this.#owner = owner
  }

  get idleTimeout(): number {
    const { udpTimeout, udpStreamTimeout } = this.#context.timings
    return this.#replies > 0 ? udpStreamTimeout : udpTimeout
  }

  get clientPort(): number {
    return this.client.port
  }

  get isAssured(): boolean {
    return this.#replies === ASSURED_REPLIES
  }

  /** Whether the endpoint has ever replied. */
  get isAnswered(): boolean {
    return this.#replies > 0
  }

  /** Whether the client waits for a reply. */
  get isWaiting(): boolean {
    return this.#isUnanswered
  }

  /** `ip:port` of the current endpoint. */
  get endpointKey(): string {
    return this.#endpoint?.key ?? ''
  }

  /**
   * Picks an endpoint and opens a socket to it. The caller has taken a descriptor for that, and has added the flow to those of the Service.
   * Returns false when the flow has ended already: there was no endpoint, or no socket.
   */
  start(): boolean {
    const endpoint = this.lease.pick(this.#failed)
    if (endpoint === undefined) this.end()
    else this.#connect(endpoint)
    return !this.#hasEnded
  }

  /** Sends a datagram of the client to the endpoint, at the end of this turn of the event loop. */
  send(datagram: Buffer): void {
    this.#owner.serviceFlows.touch(this, this.#context.clock.now())
    this.#isUnanswered = true
    this.#keepUnanswered(datagram)
    this.#context.sendBurst.add(this.#sendUpstream, datagram)
  }

  end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#dropUnanswered()
    this.#disconnect()
    const { serviceFlows } = this.#owner
    this.#context.flowBudget.remove(serviceFlows, this)
    this.#context.descriptorBudget.release(serviceFlows.descriptors)
    this.#owner.onEnd(this)
  }

  #connect(endpoint: BalancedEndpoint): void {
    this.#endpoint = endpoint
    this.#upstream = this.#context.udpTransport.connect(endpoint, this.#connector)
  }

  #disconnect(): void {
    this.#context.sendBurst.flush()
    this.#upstream?.close()
    this.#upstream = undefined
    if (this.#upstreamKey !== undefined) this.#context.upstreamSockets.udp.delete(this.#upstreamKey)
    this.#upstreamKey = undefined
  }

  #handleReply(datagram: Buffer): void {
    this.#isUnanswered = false
    this.#dropUnanswered()
    this.#countReply()
    // To clear a set makes a new one, even if it was empty.
    if (this.#failed.size > 0) this.#failed.clear()
    this.#owner.serviceFlows.touch(this, this.#context.clock.now())
    this.lease.recordSuccess()
    this.#owner.onReply(datagram.length)
    this.#context.sendBurst.add(this.#sendReply, datagram)
  }

  #keepUnanswered(datagram: Buffer): void {
    this.#dropUnanswered()
    if (this.#context.memory.unanswered.tryHold(this.#owner.serviceFlows, datagram.length)) this.#unanswered = datagram
  }

  #dropUnanswered(): void {
    if (this.#unanswered === undefined) return
    this.#context.memory.unanswered.change(this.#owner.serviceFlows, -this.#unanswered.length)
    this.#unanswered = undefined
  }

  #countReply(): void {
    if (this.#replies === ASSURED_REPLIES) return
    if (this.#replies === ASSURED_REPLIES - 1) this.#owner.serviceFlows.promote(this)
    this.#replies++
  }

  #handleError(error: Error): void {
    // A datagram that is too long for the path, or that finds a buffer full, is lost, as with any UDP sender. The flow goes on.
    if (systemCode(error) === 'EMSGSIZE' || systemCode(error) === 'ENOBUFS') return
    if (isLocalResourceError(error)) {
      this.lease.reportLocalProblem(error)
      return isOutOfUdpPorts(error) ? this.#takePortOfOther(error) : this.#fail(error)
    }
    this.lease.recordFailure(error)
    this.#failed.add(this.#endpoint!)
    const picked = this.lease.pick(this.#failed)
    const mayTry = picked !== undefined && this.#failed.size < MAX_ATTEMPTS && !this.#failed.has(picked)
    const next = mayTry ? picked : undefined
    if (next === undefined) return this.#fail(error)
    this.#owner.onEndpointFailed(this, error, next)
    this.#reconnect(next)
  }

  /** The datagram gets no endpoint. */
  #fail(error: Error): void {
    this.#owner.onEndpointFailed(this, error, undefined)
    this.end()
  }

  /** Reports an error of the current socket when it has been returned; unless it is closed before. */
  #endAttempt(error: Error): void {
    const key = this.#upstreamKey
    process.nextTick(() => {
      if (this.#upstreamKey === key) this.#handleError(error)
    })
  }

  #takePortOfOther(error: Error): void {
    const { flowBudget } = this.#context
    const hasRoom = this.#portAttempts++ < MAX_PORT_ATTEMPTS && flowBudget.makeRoomForPort(this.#owner.serviceFlows)
    // The flow that made room may have been this one.
    if (this.#hasEnded) return
    if (!hasRoom) return this.#fail(error)
    this.#reconnect(this.#endpoint!)
  }

  /** Opens a socket to an endpoint in place of the current one, and sends the datagram without a reply again. */
  #reconnect(endpoint: BalancedEndpoint): void {
    this.#disconnect()
    this.#connect(endpoint)
    if (this.#unanswered !== undefined) this.#upstream?.send(this.#unanswered)
  }

  /** Of the current upstream socket; a closed socket makes no calls. */
  readonly #connector: UdpConnector = {
    onConnect: local => {
      this.#upstreamKey = this.#context.upstreamSockets.udp.add(local, this.#endpoint!)
      const error = ownSocketError(local, this.#endpoint!)
      if (error !== undefined) this.#endAttempt(error)
    },
    onMessage: datagram => this.#handleReply(datagram),
    onError: error => this.#handleError(error),
  }

  readonly #sendUpstream = (datagram: Buffer): void => this.#upstream?.send(datagram)

  readonly #sendReply = (datagram: Buffer): void => this.#owner.sendReply(datagram, this.client)
}
