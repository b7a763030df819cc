import { type BalancedEndpoint } from '../../balancer/balanced-endpoint.js'
import { type Target } from '../../balancer/balancer.js'
import { type EndpointLease } from '../endpoint-lease.js'
import { type DialQueue } from '../limits/dial-budget.js'
import { type ClientHolding, type Held } from '../limits/held-by-client.js'
import { type EndKind } from '../inspect-request.js'
import { type ListenerContext } from '../listener-context.js'
import { type SpliceFailure, type TcpSocket, type TcpSplice, type TcpSpliceOwner } from '../transport/tcp-transport.js'
import { type UpstreamSocketKey } from '../transport/upstream-sockets.js'
import { Dial, type DialOwner } from './dial.js'
import { type UnpolledTimes, gonePeerRule, isAbandoned } from './gone-peer-rule.js'
import { type HeldBackConnection } from './held-back-connections.js'
import { type OpenConnection } from './service-connections.js'
import { type UnpolledConnection } from './unpolled-connections.js'

/** The listener of a connection. */
export interface TcpConnectionOwner {
  /** An endpoint took the client. */
  onConnect(connection: TcpConnection): void
  /** An endpoint did not take the client; `next` is tried now. */
  onRetry(connection: TcpConnection, error: Error | undefined, next: BalancedEndpoint): void
  /** No endpoint took the client, which gets a reset. `error` is undefined without endpoints, or when the client could not wait. */
  onRefused(connection: TcpConnection, error: Error | undefined): void
  /** This program aborts the connection; its sockets may close later. */
  onReset(connection: TcpConnection): void
  /** All sockets of the connection are closed. Called once. `failure` is undefined after an orderly end. */
  onEnd(connection: TcpConnection, failure: SpliceFailure | undefined): void
}

/**
 * One client's connection, from accept to end:
 *
 *     accepted ─▶ dialling ─▶ spliced ─▶ ended
 *                     └─▶ refused ─▶ ended
 *
 * It owns the sockets: the listener has counted the descriptor of the client, and the dial that of the endpoint. Both are
 * released here.
 */
export class TcpConnection
  implements DialOwner, OpenConnection, TcpSpliceOwner, UnpolledConnection, HeldBackConnection
{
  readonly lease: EndpointLease
  holding: ClientHolding | undefined
  older: Held | undefined
  newer: Held | undefined
  seenBytes = 0
  seenAt = 0
  readonly id: number
  /** Milliseconds of the clock. */
  readonly openedAt: number
  readonly clientPort: number
  #tries = 0
  #endpointKey = ''
  /** Whether this program has ended it. */
  #isAborted = false
  #isRefused = false
  readonly #client: TcpSocket
  readonly #context: ListenerContext
  readonly #owner: TcpConnectionOwner
  readonly #queue: DialQueue
  #dial: Dial | undefined
  #upstreamKey: UpstreamSocketKey | undefined
  #splice: TcpSplice | undefined
  /** Sockets that are not closed yet. */
  #openSockets = 1

  /** @param queue that of the listener */
  constructor(
    client: TcpSocket,
    clientPort: number,
    lease: EndpointLease,
    queue: DialQueue,
    context: ListenerContext,
    owner: TcpConnectionOwner,
  ) {
    this.#client = client
    this.clientPort = clientPort
    this.id = context.nextConnectionId()
    this.openedAt = context.clock.now()
    this.lease = lease
    this.#context = context
    this.#owner = owner
    this.#queue = queue
    this.#dial = new Dial(lease, queue, context, this)
  }

  get bytesToEndpoint(): number {
    return this.#splice?.bytesToEndpoint ?? 0
  }

  get bytesToClient(): number {
    return this.#splice?.bytesToClient ?? 0
  }

  get client(): string {
    return this.lease.client
  }

  /** Endpoints that were tried. */
  get tries(): number {
    return this.#dial?.attempts ?? this.#tries
  }

  /** `ip:port` of the endpoint that took the client, or else of the last that was tried; empty: none was. */
  get endpointKey(): string {
    return this.#dial?.triedKey ?? this.#endpointKey
  }

  get state(): 'dialling' | 'open' {
    return this.#splice === undefined ? 'dialling' : 'open'
  }

  /** How it ended; for one that is open, how it would. */
  get end(): EndKind {
    const failure = this.#splice?.failure
    if (this.#isRefused) return 'refused'
    if (this.#isAborted || this.#splice?.hasEndedGone === true) return 'ended-by-proxy'
    if (this.#splice === undefined) return 'client-left'
    return failure === undefined ? 'closed' : `reset-by-${failure.side}`
  }

  /** What identifies its Service. */
  get service(): object {
    return this.#queue.share
  }

  /** Connects the client to an endpoint. */
  start(): void {
    this.#client.owner = this
    this.#context.unpolledConnections.add(this)
    this.#dial?.request()
  }

  /** Aborts the connection: both sides get a reset. */
  reset(): void {
    // At once, so that it does not give way to another client a second time: the sockets may close later.
    this.#context.heldBackConnections.delete(this)
    this.#owner.onReset(this)
    this.#isAborted = true
    if (this.#splice === undefined) this.#client.reset()
    else this.#splice.reset()
  }

  onDialConnected(socket: TcpSocket, { ip, port }: Target, upstreamKey: UpstreamSocketKey | undefined): void {
    const { log, transport, unpolledConnections } = this.#context
    this.#forgetDial()
    this.#upstreamKey = upstreamKey
    this.#openSockets++
    if (log.enabled(3)) log.info(3, 'Connected a client', { client: this.lease.client, endpoint: `${ip}:${port}` })
    unpolledConnections.delete(this)
    this.#splice = transport.splice(this.#client, socket, this)
    this.#owner.onConnect(this)
  }

  onDialRetry(error: Error | undefined, next: BalancedEndpoint): void {
    this.#owner.onRetry(this, error, next)
  }

  onDialFailed(error: Error | undefined): void {
    this.#forgetDial()
    this.#isRefused = true
    this.#owner.onRefused(this, error)
    this.#client.reset()
  }

  onUnpolled(): void {
    this.#context.unpolledConnections.add(this)
  }

  get isUnpolled(): boolean {
    const splice = this.#splice
    return splice === undefined || splice.clientState !== 'reading' || splice.endpointState !== 'reading'
  }

  onPolledAgain(): void {
    this.#context.heldBackConnections.delete(this)
  }

  checkPeers(times: UnpolledTimes): void {
    const splice = this.#splice
    if (splice === undefined) return this.#client.checkPeer(() => this.#client.close())
    const { timings, heldBackConnections } = this.#context
    const { heldBytes, isSenderGone } = splice
    heldBackConnections.note(this, { heldBytes, quietMs: times.quietMs, isSenderGone })
    const { clientState, endpointState } = splice
    if (isAbandoned(clientState, endpointState, times, timings)) return this.reset()
    const clientRule = gonePeerRule(clientState, endpointState === 'ended', times, timings)
    // How a peer went that was not read from is not known for sure. So the end counts as this program's, in `end`.
    if (clientRule !== undefined) splice.endIfGone('client', clientRule)
    const endpointRule = gonePeerRule(endpointState, clientState === 'ended', times, timings)
    if (endpointRule !== undefined) splice.endIfGone('endpoint', endpointRule)
  }

  onClose(socket: TcpSocket): void {
    const { descriptorBudget, upstreamSockets, unpolledConnections, heldBackConnections } = this.#context
    if (socket === this.#client) {
      this.#dial?.cancel()
      this.#forgetDial()
    } else if (this.#upstreamKey !== undefined) upstreamSockets.tcp.delete(this.#upstreamKey)
    descriptorBudget.release(this.#queue.share)
    if (--this.#openSockets > 0) return
    unpolledConnections.delete(this)
    heldBackConnections.delete(this)
    this.#owner.onEnd(this, this.#splice?.failure)
  }

  /** The dial is over: what it has tried stays. */
  #forgetDial(): void {
    if (this.#dial === undefined) return
    this.#tries = this.#dial.attempts
    this.#endpointKey = this.#dial.triedKey
    this.#dial = undefined
  }
}
