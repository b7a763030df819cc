import { NONE_TO_AVOID, type Target } from '../balancer/balancer.js'
import { hostPort } from '../model/address.js'
import { type ListenerContext } from './listener.js'
import { type OwnSocket } from './own-sockets.js'
import { isOurs } from './socket-error.js'
import { type TcpConnector, type TcpSocket } from './tcp-transport.js'

/** Connect time-outs of the attempts, in milliseconds (kube-proxy 1.20, userspace mode). */
export const DIAL_SCHEDULE: readonly number[] = [250, 500, 1000, 2000]

/** A client is not worth more endpoints than this: with thousands that refuse, one client would keep all others waiting. */
const MOST_ATTEMPTS = 16

export interface DialOwner {
  /** Names the next endpoint to try; `avoid` holds those that failed for this client already. */
  choose(avoid: ReadonlySet<string>): Target | undefined
  /** `socket` is its new owner's; it is on the list of own sockets. */
  connected(socket: TcpSocket, target: Target, own: OwnSocket | undefined): void
  /** An attempt failed; another may follow. */
  attemptFailed(target: Target, error: Error): void
  /** All is lost; `error` is undefined when there was no endpoint to try. */
  dialFailed(error: Error | undefined): void
}

/**
 * Connects one client to one of the endpoints.
 *
 * An endpoint that refuses costs no time, so distinct ones are tried before any is tried again, up to sixteen. One that
 * stays silent costs its slot in the schedule, so with all of them silent a client waits 3.75 s, as with the original. An
 * error that is ours ends the dial at once: another endpoint would not help.
 */
export class Dial {
  readonly #owner: DialOwner
  readonly #context: ListenerContext
  #failed: Set<string> | undefined
  #attempts = 0
  #timeouts = 0
  #attempt: Attempt | undefined
  #lastError: Error | undefined

  constructor(context: ListenerContext, owner: DialOwner) {
    this.#context = context
    this.#owner = owner
  }

  /** Makes the first attempt, or the next. Without any endpoint, `dialFailed` is called before this returns. */
  start(): void {
    const schedule = this.#context.timings.dialSchedule
    const target = this.#owner.choose(this.#failed ?? NONE_TO_AVOID)
    if (target === undefined) return this.#owner.dialFailed(this.#lastError)
    const repeated = this.#failed?.has(hostPort(target.ip, target.port)) === true
    const enough = this.#attempts >= (repeated ? schedule.length : MOST_ATTEMPTS)
    if (this.#timeouts >= schedule.length || enough) return this.#owner.dialFailed(this.#lastError)
    this.#attempts++
    this.#attempt = new Attempt(this, this.#context, target, schedule[this.#timeouts]!)
  }

  /** Gives up without a further call back. */
  cancel(): void {
    this.#attempt?.giveUp()
    this.#attempt = undefined
  }

  succeeded(attempt: Attempt, socket: TcpSocket): void {
    // Called off.
    if (attempt !== this.#attempt) return
    this.#attempt = undefined
    this.#owner.connected(socket, attempt.target, attempt.own)
  }

  failed(attempt: Attempt, error: Error, isSilence: boolean): void {
    // Called off, or a second word about an attempt that is over.
    if (attempt !== this.#attempt) return
    this.#attempt = undefined
    if (isSilence) this.#timeouts++
    this.#failed ??= new Set()
    this.#failed.add(hostPort(attempt.target.ip, attempt.target.port))
    this.#lastError = error
    if (isOurs(error)) return this.#owner.dialFailed(error)
    this.#owner.attemptFailed(attempt.target, error)
    this.start()
  }
}

/** One connection that is being opened. */
class Attempt implements TcpConnector {
  readonly target: Target
  /** The socket, once it is on the list of our own. */
  own: OwnSocket | undefined
  readonly #dial: Dial
  readonly #context: ListenerContext
  readonly #socket: TcpSocket
  readonly #timer: NodeJS.Timeout

  constructor(dial: Dial, context: ListenerContext, target: Target, timeoutMs: number) {
    this.#dial = dial
    this.#context = context
    this.target = target
    this.#socket = context.transport.connect(target, context.timings.keepAlive, this)
    this.#timer = setTimeout(onSilence, timeoutMs, this, timeoutMs)
  }

  giveUp(): void {
    clearTimeout(this.#timer)
    this.#socket.close()
  }

  started(socket: TcpSocket): void {
    const local = socket.local()
    if (local !== undefined) this.own = this.#context.ownSockets.tcp.add(local, this.target)
  }

  connected(socket: TcpSocket): void {
    clearTimeout(this.#timer)
    this.#dial.succeeded(this, socket)
  }

  failed(_socket: TcpSocket, error: Error): void {
    clearTimeout(this.#timer)
    this.#dial.failed(this, error, false)
  }

  closed(): void {
    if (this.own !== undefined) this.#context.ownSockets.tcp.delete(this.own)
    this.own = undefined
  }

  silent(timeoutMs: number): void {
    this.#socket.close()
    this.#dial.failed(this, new Error(`no answer within ${timeoutMs} ms`), true)
  }
}

function onSilence(attempt: Attempt, timeoutMs: number): void {
  attempt.silent(timeoutMs)
}
