import { type Target } from '../balancer/balancer.js'
import { Dial, type DialOwner } from './dial.js'
import { type Dialler } from './dial-burst.js'
import { type DialLine, type DialWaiter } from './dial-budget.js'
import { type ListenerContext } from './listener.js'
import { type OwnSocket } from './own-sockets.js'
import { isOutOfDescriptors } from './socket-error.js'
import { type SpliceBreak, type TcpSocket, type TcpSocketOwner, type TcpSplice } from './tcp-transport.js'

export interface TcpConnectionEvents {
  readonly choose: (avoid: ReadonlySet<string>) => Target | undefined
  readonly onDialFailure: (target: Target, error: Error) => void
  /** The endpoint chosen last has taken the connection. */
  readonly onConnected: () => void
  /** No endpoint could be reached; the client is turned away with a reset. */
  readonly onRefused: (error: Error | undefined) => void
  /** Everything of this connection is closed. Called once. */
  readonly onDone: (broken: SpliceBreak | undefined) => void
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
export class TcpConnection implements DialOwner, DialWaiter, Dialler, TcpSocketOwner {
  /** The client's address. */
  readonly address: string
  readonly #client: TcpSocket
  readonly #context: ListenerContext
  readonly #line: DialLine
  readonly #events: TcpConnectionEvents
  /** While it waits for its turn. */
  #waiting: NodeJS.Timeout | undefined
  /** While it is dialling. */
  #dial: Dial | undefined
  #own: OwnSocket | undefined
  #splice: TcpSplice | undefined
  /** Sockets that are not closed yet. */
  #open = 1

  /** @param line that of the listener */
  constructor(
    client: TcpSocket,
    address: string,
    context: ListenerContext,
    line: DialLine,
    events: TcpConnectionEvents,
  ) {
    this.#client = client
    this.address = address
    this.#context = context
    this.#line = line
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
    const { dials, dialBurst } = this.#context
    if (dials.tryStart(this.#line)) dialBurst.add(this)
    else this.#wait()
  }

  /** Breaks the connection off, with a reset to whoever is there. */
  reset(): void {
    if (this.#splice === undefined) this.#client.reset()
    else this.#splice.reset()
  }

  choose(avoid: ReadonlySet<string>): Target | undefined {
    return this.#events.choose(avoid)
  }

  connected(endpoint: TcpSocket, target: Target, own: OwnSocket | undefined): void {
    const { dials, log, transport, halfClosed } = this.#context
    this.#dial = undefined
    this.#own = own
    this.#open++
    endpoint.owner = this
    this.#events.onConnected()
    if (log.enabled(3)) log.info(3, 'Connection', { client: this.address, endpoint: `${target.ip}:${target.port}` })
    this.#splice = transport.splice(this.#client, endpoint, halfClosed)
    dials.connected(this.#line)
  }

  attemptFailed(target: Target, error: Error): void {
    this.#events.onDialFailure(target, error)
  }

  dialFailed(error: Error | undefined): void {
    const { dials } = this.#context
    this.#dial = undefined
    if (isOutOfDescriptors(error)) {
      // The kernel has none left although we counted some: others in this process used them. Wait like everybody else.
      dials.ranOut(this.#line)
      return this.#wait()
    }
    dials.failed(this.#line)
    this.#refuse(error)
  }

  go(): void {
    clearTimeout(this.#waiting)
    this.#waiting = undefined
    this.#context.dialBurst.add(this)
  }

  look(): void {
    this.#client.look()
  }

  closed(socket: TcpSocket): void {
    const { descriptors, ownSockets } = this.#context
    if (socket === this.#client) this.#stopPreparing()
    else if (this.#own !== undefined) ownSockets.tcp.delete(this.#own)
    descriptors.give()
    if (--this.#open === 0) this.#events.onDone(this.#splice?.broken)
  }

  #wait(): void {
    const { dials, timings } = this.#context
    if (!dials.wait(this.#line, this)) return this.#refuse(undefined)
    this.#waiting = setTimeout(() => {
      this.#waiting = undefined
      dials.shed(this.#line, this)
      this.#refuse(undefined)
    }, timings.turnWait)
  }

  /** The dial counts already, and one descriptor has been taken for the way to the endpoint. */
  dial(): void {
    this.#dial = new Dial(this.#context, this)
    this.#dial.start()
  }

  /** The client is gone. */
  #stopPreparing(): void {
    const { dials, dialBurst } = this.#context
    if (this.#waiting !== undefined) {
      clearTimeout(this.#waiting)
      this.#waiting = undefined
      dials.leave(this.#line, this)
    } else if (this.#dial !== undefined) {
      this.#dial.cancel()
      this.#dial = undefined
      dials.failed(this.#line)
    } else if (dialBurst.delete(this)) {
      dials.failed(this.#line)
    }
  }

  #refuse(error: Error | undefined): void {
    this.#events.onRefused(error)
    this.#client.reset()
  }
}
