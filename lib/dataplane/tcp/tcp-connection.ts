import { type Target } from '../../balancer/balancer.js'
import { Dial, type DialOwner } from './dial.js'
import { type Dialer } from '../limits/dial-burst.js'
import { type DialQueue, type DialWaiter } from '../limits/dial-budget.js'
import { type ListenerContext } from '../listener.js'
import { type UpstreamSocketKey } from '../transport/upstream-sockets.js'
import { isOutOfDescriptors } from '../transport/socket-error.js'
import { type SpliceFailure, type TcpSocket, type TcpSocketOwner, type TcpSplice } from '../transport/tcp-transport.js'

export interface TcpConnectionEvents {
  readonly pick: (avoid: ReadonlySet<string>) => Target | undefined
  readonly onAttemptFailed: (target: Target, error: Error) => void
  /** The endpoint chosen last has taken the connection. */
  readonly onConnect: () => void
  /** No endpoint could be reached; the client is turned away with a reset. */
  readonly onRefused: (error: Error | undefined) => void
  /** Everything of this connection is closed. Called once. */
  readonly onClose: (broken: SpliceFailure | undefined) => void
}

/**
 * One client's connection from accept to end:
 *
 *     accepted ─▶ (waiting for its turn) ─▶ (for others to dial with) ─▶ dialling ─▶ spliced ─▶ done
 *                          └────────────────────────────────────────────────┴─▶ refused ─▶ done
 *
 * The descriptor of the client was noted by who accepted it; that of the way to the endpoint comes with the dial. Both are
 * given back here.
 */
export class TcpConnection implements DialOwner, DialWaiter, Dialer, TcpSocketOwner {
  /** The client's address. */
  readonly clientAddress: string
  readonly #client: TcpSocket
  readonly #context: ListenerContext
  readonly #dialQueue: DialQueue
  readonly #events: TcpConnectionEvents
  /** While it waits for its turn. */
  #queueTimer: NodeJS.Timeout | undefined
  /** While it is dialling. */
  #dial: Dial | undefined
  #upstreamKey: UpstreamSocketKey | undefined
  #splice: TcpSplice | undefined
  /** Sockets that are not closed yet. */
  #openSockets = 1

  /** @param line that of the listener */
  constructor(
    client: TcpSocket,
    clientAddress: string,
    context: ListenerContext,
    line: DialQueue,
    events: TcpConnectionEvents,
  ) {
    this.#client = client
    this.clientAddress = clientAddress
    this.#context = context
    this.#dialQueue = line
    this.#events = events
  }

  get bytesToEndpoint(): number {
    return this.#splice?.bytesToEndpoint ?? 0
  }

  get bytesToClient(): number {
    return this.#splice?.bytesToClient ?? 0
  }

  start(): void {
    this.#client.owner = this
    const { dialBudget, dialBurst } = this.#context
    if (dialBudget.tryStart(this.#dialQueue)) dialBurst.add(this)
    else this.#enqueue()
  }

  /** Breaks the connection off, with a reset to whoever is there. */
  reset(): void {
    if (this.#splice === undefined) this.#client.reset()
    else this.#splice.reset()
  }

  pick(avoid: ReadonlySet<string>): Target | undefined {
    return this.#events.pick(avoid)
  }

  onDialConnected(endpoint: TcpSocket, target: Target, own: UpstreamSocketKey | undefined): void {
    const { dialBudget, log, transport, halfClosedLimit } = this.#context
    this.#dial = undefined
    this.#upstreamKey = own
    this.#openSockets++
    endpoint.owner = this
    this.#events.onConnect()
    if (log.enabled(3))
      log.info(3, 'Connection', { client: this.clientAddress, endpoint: `${target.ip}:${target.port}` })
    this.#splice = transport.splice(this.#client, endpoint, halfClosedLimit)
    dialBudget.complete(this.#dialQueue)
  }

  onAttemptFailed(target: Target, error: Error): void {
    this.#events.onAttemptFailed(target, error)
  }

  onDialFailed(error: Error | undefined): void {
    const { dialBudget } = this.#context
    this.#dial = undefined
    if (isOutOfDescriptors(error)) {
      // The kernel has none left although we counted some: others in this process used them. Wait like everybody else.
      dialBudget.failWithoutDescriptor(this.#dialQueue)
      return this.#enqueue()
    }
    dialBudget.fail(this.#dialQueue)
    this.#refuse(error)
  }

  onDialGranted(): void {
    clearTimeout(this.#queueTimer)
    this.#queueTimer = undefined
    this.#context.dialBurst.add(this)
  }

  checkClient(): void {
    this.#client.checkPeer()
  }

  onClose(socket: TcpSocket): void {
    const { descriptorBudget, upstreamSockets } = this.#context
    if (socket === this.#client) this.#cancelDial()
    else if (this.#upstreamKey !== undefined) upstreamSockets.tcp.delete(this.#upstreamKey)
    descriptorBudget.release()
    if (--this.#openSockets === 0) this.#events.onClose(this.#splice?.failure)
  }

  #enqueue(): void {
    const { dialBudget, timings } = this.#context
    if (!dialBudget.enqueue(this.#dialQueue, this)) return this.#refuse(undefined)
    this.#queueTimer = setTimeout(() => {
      this.#queueTimer = undefined
      dialBudget.shed(this.#dialQueue, this)
      this.#refuse(undefined)
    }, timings.queueTimeout)
  }

  /** The dial counts already, and one descriptor has been taken for the way to the endpoint. */
  dial(): void {
    this.#dial = new Dial(this.#context, this)
    this.#dial.start()
  }

  /** The client is gone. */
  #cancelDial(): void {
    const { dialBudget, dialBurst } = this.#context
    if (this.#queueTimer !== undefined) {
      clearTimeout(this.#queueTimer)
      this.#queueTimer = undefined
      dialBudget.dequeue(this.#dialQueue, this)
    } else if (this.#dial !== undefined) {
      this.#dial.cancel()
      this.#dial = undefined
      dialBudget.fail(this.#dialQueue)
    } else if (dialBurst.delete(this)) {
      dialBudget.fail(this.#dialQueue)
    }
  }

  #refuse(error: Error | undefined): void {
    this.#events.onRefused(error)
    this.#client.reset()
  }
}
