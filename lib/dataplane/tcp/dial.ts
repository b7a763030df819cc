import { AVOID_NONE, type Target } from '../../balancer/balancer.js'
import { hostPort } from '../../model/address.js'
import { type ListenerContext } from '../listener.js'
import { type UpstreamSocketKey } from '../transport/upstream-sockets.js'
import { isLocalResourceError } from '../transport/socket-error.js'
import { type TcpConnector, type TcpSocket } from '../transport/tcp-transport.js'

/** Connect time-outs of the attempts, in milliseconds (kube-proxy 1.20, userspace mode). */
export const DIAL_SCHEDULE: readonly number[] = [250, 500, 1000, 2000]

/** A client is not worth more endpoints than this: with thousands that refuse, one client would keep all others waiting. */
const MAX_ATTEMPTS = 16

export interface DialOwner {
  /** Names the next endpoint to try; `avoid` holds those that failed for this client already. */
  pick(avoid: ReadonlySet<string>): Target | undefined
  /** `socket` is its new owner's; it is on the list of own sockets. */
  onDialConnected(socket: TcpSocket, target: Target, own: UpstreamSocketKey | undefined): void
  /** An attempt failed; another may follow. */
  onAttemptFailed(target: Target, error: Error): void
  /** All is lost; `error` is undefined when there was no endpoint to try. */
  onDialFailed(error: Error | undefined): void
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
  #attempt: DialAttempt | undefined
  #lastError: Error | undefined

  constructor(context: ListenerContext, owner: DialOwner) {
    this.#context = context
    this.#owner = owner
  }

  /** Makes the first attempt, or the next. Without any endpoint, `dialFailed` is called before this returns. */
  start(): void {
    const schedule = this.#context.timings.dialSchedule
    const target = this.#owner.pick(this.#failed ?? AVOID_NONE)
    if (target === undefined) return this.#owner.onDialFailed(this.#lastError)
    const repeated = this.#failed?.has(hostPort(target.ip, target.port)) === true
    const enough = this.#attempts >= (repeated ? schedule.length : MAX_ATTEMPTS)
    if (this.#timeouts >= schedule.length || enough) return this.#owner.onDialFailed(this.#lastError)
    this.#attempts++
    this.#attempt = new DialAttempt(this, this.#context, target, schedule[this.#timeouts]!)
  }

  /** Gives up without a further call back. */
  cancel(): void {
    this.#attempt?.cancel()
    this.#attempt = undefined
  }

  handleConnect(attempt: DialAttempt, socket: TcpSocket): void {
    // Called off.
    if (attempt !== this.#attempt) return
    this.#attempt = undefined
    this.#owner.onDialConnected(socket, attempt.target, attempt.upstreamKey)
  }

  handleFailure(attempt: DialAttempt, error: Error, isSilence: boolean): void {
    // Called off, or a second word about an attempt that is over.
    if (attempt !== this.#attempt) return
    this.#attempt = undefined
    if (isSilence) this.#timeouts++
    this.#failed ??= new Set()
    this.#failed.add(hostPort(attempt.target.ip, attempt.target.port))
    this.#lastError = error
    if (isLocalResourceError(error)) return this.#owner.onDialFailed(error)
    this.#owner.onAttemptFailed(attempt.target, error)
    this.start()
  }
}

/** One connection that is being opened. */
class DialAttempt implements TcpConnector {
  readonly target: Target
  /** The socket, once it is on the list of our own. */
  upstreamKey: UpstreamSocketKey | undefined
  readonly #dial: Dial
  readonly #context: ListenerContext
  readonly #socket: TcpSocket
  readonly #timer: NodeJS.Timeout

  constructor(dial: Dial, context: ListenerContext, target: Target, timeoutMs: number) {
    this.#dial = dial
    this.#context = context
    this.target = target
    this.#socket = context.transport.connect(target, context.timings.keepAliveIdle, this)
    this.#timer = setTimeout(onAttemptTimeout, timeoutMs, this, timeoutMs)
  }

  cancel(): void {
    clearTimeout(this.#timer)
    this.#socket.close()
  }

  onConnecting(socket: TcpSocket): void {
    const local = socket.localAddress()
    if (local !== undefined) this.upstreamKey = this.#context.upstreamSockets.tcp.add(local, this.target)
  }

  onConnect(socket: TcpSocket): void {
    clearTimeout(this.#timer)
    this.#dial.handleConnect(this, socket)
  }

  onError(_socket: TcpSocket, error: Error): void {
    clearTimeout(this.#timer)
    this.#dial.handleFailure(this, error, false)
  }

  onClose(): void {
    if (this.upstreamKey !== undefined) this.#context.upstreamSockets.tcp.delete(this.upstreamKey)
    this.upstreamKey = undefined
  }

  handleTimeout(timeoutMs: number): void {
    this.#socket.close()
    this.#dial.handleFailure(this, new Error(`no answer within ${timeoutMs} ms`), true)
  }
}

function onAttemptTimeout(attempt: DialAttempt, timeoutMs: number): void {
  attempt.handleTimeout(timeoutMs)
}
