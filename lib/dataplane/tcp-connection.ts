import { type Socket } from 'node:net'
import { type Target } from '../balancer/balancer.js'
import { Dial } from './dial.js'
import { type ListenerContext } from './listener.js'
import { isOutOfDescriptors } from './socket-error.js'
import { Splice, type SpliceBreak } from './splice.js'

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
 *     accepted ─▶ (waiting for a descriptor) ─▶ dialling ─▶ spliced ─▶ done
 *                        └──────────────────────────┴─▶ refused ─▶ done
 */
export class TcpConnection {
  /** The client's address. */
  readonly address: string
  readonly #client: Socket
  readonly #context: ListenerContext
  readonly #events: TcpConnectionEvents
  #splice: Splice | undefined
  #leave: () => void = () => undefined

  constructor(client: Socket, address: string, context: ListenerContext, events: TcpConnectionEvents) {
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
    const { descriptors } = this.#context
    // Until there is a splice, the client is paused and only an error can tell that it has gone.
    this.#client.on('error', this.#onEarlyError)
    this.#client.on('close', this.#onEarlyClose)
    if (descriptors.tryTake()) this.#dial()
    else this.#wait()
  }

  /** Breaks the connection off, with a reset to whoever is there. */
  reset(): void {
    if (this.#splice === undefined) this.#client.resetAndDestroy()
    else this.#splice.reset()
  }

  #wait(): void {
    const timer = setTimeout(() => {
      stopWaiting()
      this.#context.descriptors.countShed()
      this.#refuse(undefined)
    }, this.#context.timings.descriptorWait)
    const stopWaiting = this.#context.descriptors.waitToTake(() => {
      clearTimeout(timer)
      this.#dial()
    })
    this.#leave = () => {
      clearTimeout(timer)
      stopWaiting()
    }
  }

  /** One descriptor has been taken for the way to the endpoint. */
  #dial(): void {
    const { descriptors, timings, ownSockets } = this.#context
    const dial = new Dial({
      choose: this.#events.choose,
      schedule: timings.dialSchedule,
      keepAliveMs: timings.keepAlive,
      onStart: socket => socket.once('close', ownSockets.add(socket.localAddress, socket.localPort)),
      onConnect: (socket, target) => this.#join(socket, target),
      onAttemptFailed: this.#events.onDialFailure,
      onFail: error => {
        descriptors.give()
        // The kernel has none left although we counted some: others in this process used them. Wait like everybody else.
        if (isOutOfDescriptors(error)) this.#wait()
        else this.#refuse(error)
      },
    })
    this.#leave = () => {
      dial.cancel()
      descriptors.give()
    }
    dial.start()
  }

  #join(endpoint: Socket, target: Target): void {
    const { log, descriptors } = this.#context
    this.#leave = () => undefined
    this.#events.onConnected()
    this.#client.off('error', this.#onEarlyError)
    this.#client.off('close', this.#onEarlyClose)
    endpoint.once('close', () => descriptors.give())
    if (log.enabled(3)) log.info(3, 'Connection', { client: this.address, endpoint: `${target.ip}:${target.port}` })
    this.#splice = new Splice(this.#client, endpoint, this.#context.timings.halfClosed, this.#events.onDone)
  }

  #refuse(error: Error | undefined): void {
    this.#leave = () => undefined
    this.#events.onRefused(error)
    this.#client.resetAndDestroy()
  }

  readonly #onEarlyError = (): void => undefined

  readonly #onEarlyClose = (): void => {
    this.#leave()
    this.#events.onDone(undefined)
  }
}
