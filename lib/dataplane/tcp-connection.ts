import { type Target } from '../balancer/balancer.js'
import { Dial, type DialOwner } from './dial.js'
import { type ListenerContext } from './listener.js'
import { type Dialler } from './dial-burst.js'
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

/** What a connection is busy with before it is spliced; ends with the client. */
interface Preparation {
  cancel(): void
}

/**
 * One client's connection from accept to end:
 *
 *     accepted ─▶ (waiting for a descriptor, or for others to dial with) ─▶ dialling ─▶ spliced ─▶ done
 *                        └──────────────────────────────────────────────────────┴─▶ refused ─▶ done
 *
 * The descriptor of the client was noted by who accepted it; that of the way to the endpoint is taken here. Both are given
 * back here.
 */
export class TcpConnection implements DialOwner, Dialler, TcpSocketOwner {
  /** The client's address. */
  readonly address: string
  readonly #client: TcpSocket
  readonly #context: ListenerContext
  readonly #events: TcpConnectionEvents
  #preparation: Preparation | undefined
  /** Whether a descriptor has been taken for the way to the endpoint. */
  #holdsDescriptor = false
  #own: OwnSocket | undefined
  #splice: TcpSplice | undefined
  /** Sockets that are not closed yet. */
  #open = 1

  constructor(client: TcpSocket, address: string, context: ListenerContext, events: TcpConnectionEvents) {
    this.#client = client
    this.address = address
    this.#context = context
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
    if (!this.#context.descriptors.tryTake()) return this.#wait()
    this.#holdsDescriptor = true
    this.#context.dialBurst.add(this)
  }

  /** Breaks the connection off, with a reset to whoever is there. */
  reset(): void {
    if (this.#splice === undefined) this.#client.reset()
    else this.#splice.reset()
  }

  /** One descriptor has been taken for the way to the endpoint. */
  dial(): void {
    const dial = new Dial(this.#context, this)
    this.#preparation = dial
    dial.start()
  }

  choose(avoid: ReadonlySet<string>): Target | undefined {
    return this.#events.choose(avoid)
  }

  connected(endpoint: TcpSocket, target: Target, own: OwnSocket | undefined): void {
    const { log, transport, halfClosed } = this.#context
    this.#preparation = undefined
    this.#own = own
    this.#open++
    endpoint.owner = this
    this.#events.onConnected()
    if (log.enabled(3)) log.info(3, 'Connection', { client: this.address, endpoint: `${target.ip}:${target.port}` })
    this.#splice = transport.splice(this.#client, endpoint, halfClosed)
  }

  attemptFailed(target: Target, error: Error): void {
    this.#events.onDialFailure(target, error)
  }

  dialFailed(error: Error | undefined): void {
    this.#preparation = undefined
    this.#giveDescriptor()
    // The kernel has none left although we counted some: others in this process used them. Wait like everybody else.
    if (isOutOfDescriptors(error)) return this.#wait()
    this.#events.onRefused(error)
    this.#client.reset()
  }

  closed(socket: TcpSocket): void {
    const { descriptors, ownSockets, dialBurst } = this.#context
    if (socket === this.#client) {
      descriptors.give()
      dialBurst.delete(this)
      this.#preparation?.cancel()
      this.#preparation = undefined
      if (this.#splice === undefined) this.#giveDescriptor()
    } else {
      if (this.#own !== undefined) ownSockets.tcp.delete(this.#own)
      this.#giveDescriptor()
    }
    if (--this.#open === 0) this.#events.onDone(this.#splice?.broken)
  }

  #wait(): void {
    const { descriptors, timings } = this.#context
    const timer = setTimeout(() => {
      stopWaiting()
      this.#preparation = undefined
      descriptors.countShed()
      this.#events.onRefused(undefined)
      this.#client.reset()
    }, timings.descriptorWait)
    const stopWaiting = descriptors.waitToTake(() => {
      clearTimeout(timer)
      this.#holdsDescriptor = true
      this.dial()
    })
    const cancel = (): void => {
      clearTimeout(timer)
      stopWaiting()
    }
    this.#preparation = { cancel }
  }

  #giveDescriptor(): void {
    if (!this.#holdsDescriptor) return
    this.#holdsDescriptor = false
    this.#context.descriptors.give()
  }
}
