import { type Target } from '../../balancer/balancer.js'
import { hostPort } from '../../model/address.js'
import { systemCode } from '../../model/failure.js'
import { type LruFlow } from './flow-lru.js'
import { type ListenerContext } from '../listener.js'
import { type UpstreamSocketKey } from '../transport/upstream-sockets.js'
import { isLocalResourceError } from '../transport/socket-error.js'
import { type UdpConnector, type UdpSocket } from '../transport/udp-transport.js'

/** Endpoints that are tried for one datagram. */
const MAX_ATTEMPTS = 16

export interface UdpFlowEvents {
  readonly pick: (avoid: ReadonlySet<string>) => Target | undefined
  /** A datagram from the endpoint, for the client. */
  readonly onReply: (datagram: Buffer) => void
  readonly onEndpointFailed: (target: Target, error: Error) => void
  readonly onLocalError: (error: Error) => void
  readonly onEnd: () => void
}

/**
 * One client address's flow of datagrams to one endpoint, through a connected socket of its own: the kernel then drops
 * what strangers send, and tells when the endpoint's port is closed (ICMP port unreachable).
 *
 * On such news the flow turns to another endpoint at once and sends the datagram that was not answered again.
 */
export class UdpFlow implements LruFlow {
  lastUsed = 0
  older: LruFlow | undefined
  newer: LruFlow | undefined
  readonly #context: ListenerContext
  readonly #events: UdpFlowEvents
  readonly #failed = new Set<string>()
  #target: Target | undefined
  #upstream: UdpSocket | undefined
  #upstreamKey: UpstreamSocketKey | undefined
  /** The last datagram since the endpoint's last reply. */
  #unanswered: Buffer | undefined
  #isReplied = false
  #hasEnded = false

  constructor(context: ListenerContext, events: UdpFlowEvents) {
    this.#context = context
    this.#events = events
  }

  get idleTimeout(): number {
    return this.#isReplied ? this.#context.timings.udpStreamTimeout : this.#context.timings.udpTimeout
  }

  /** Whether the client waits for an answer. */
  get isWaiting(): boolean {
    return this.#unanswered !== undefined
  }

  /** `ip:port` of the present endpoint. */
  get endpointKey(): string {
    return this.#target === undefined ? '' : hostPort(this.#target.ip, this.#target.port)
  }

  /**
   * Picks an endpoint and opens the way to it. A descriptor has been taken for it, and the flow is in the order. False: the
   * flow has ended already, for want of an endpoint, or of what a socket needs.
   */
  start(): boolean {
    this.#target = this.#events.pick(this.#failed)
    if (this.#target === undefined) this.end()
    else this.#connect(this.#target)
    return !this.#hasEnded
  }

  send(datagram: Buffer): void {
    this.#context.flowLru.touch(this, this.#context.clock.now())
    this.#unanswered = datagram
    this.#context.sendBurst.add(this.#sendNow, datagram)
  }

  end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#disconnect()
    this.#context.flowLru.remove(this)
    this.#context.descriptorBudget.release()
    this.#events.onEnd()
  }

  #connect(target: Target): void {
    this.#upstream = this.#context.udpTransport.connect(target, this.#connector)
  }

  #disconnect(): void {
    this.#context.sendBurst.flush()
    this.#upstream?.close()
    this.#upstream = undefined
    if (this.#upstreamKey !== undefined) this.#context.upstreamSockets.udp.delete(this.#upstreamKey)
    this.#upstreamKey = undefined
  }

  #handleReply(datagram: Buffer): void {
    this.#isReplied = true
    this.#unanswered = undefined
    // Clearing makes a new set, even of an empty one.
    if (this.#failed.size > 0) this.#failed.clear()
    this.#context.flowLru.touch(this, this.#context.clock.now())
    this.#events.onReply(datagram)
  }

  #handleError(error: Error): void {
    // A datagram too long for the way, or a full buffer, is that datagram's loss only, as with any UDP sender.
    if (systemCode(error) === 'EMSGSIZE' || systemCode(error) === 'ENOBUFS') return
    if (isLocalResourceError(error)) {
      this.#events.onLocalError(error)
      return this.end()
    }
    const target = this.#target!
    this.#events.onEndpointFailed(target, error)
    this.#failed.add(hostPort(target.ip, target.port))
    this.#disconnect()
    const next = this.#events.pick(this.#failed)
    if (next === undefined || this.#failed.size >= MAX_ATTEMPTS || this.#failed.has(hostPort(next.ip, next.port)))
      return this.end()
    this.#target = next
    this.#connect(next)
    if (this.#unanswered !== undefined) this.#upstream?.send(this.#unanswered)
  }

  /** Of the present upstream socket: a closed one is silent. */
  readonly #connector: UdpConnector = {
    onConnect: local => (this.#upstreamKey = this.#context.upstreamSockets.udp.add(local, this.#target!)),
    onMessage: datagram => this.#handleReply(datagram),
    onError: error => this.#handleError(error),
  }

  readonly #sendNow = (datagram: Buffer): void => this.#upstream?.send(datagram)
}
