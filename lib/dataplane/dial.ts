import { type Socket, connect } from 'node:net'
import { type Target } from '../balancer/balancer.js'
import { hostPort } from '../model/address.js'
import { isOurs } from './socket-error.js'

/** Connect time-outs of the attempts, in milliseconds (kube-proxy 1.20, userspace mode). */
export const DIAL_SCHEDULE: readonly number[] = [250, 500, 1000, 2000]

/** A client is not worth more endpoints than this: with thousands that refuse, one client would keep all others waiting. */
const MOST_ATTEMPTS = 16

export interface DialOptions {
  /** Names the next endpoint to try; `avoid` holds those that failed for this client already. */
  readonly choose: (avoid: ReadonlySet<string>) => Target | undefined
  /** Milliseconds that each attempt in which the endpoint stays silent may take; their number bounds such attempts. */
  readonly schedule: readonly number[]
  /** Idle milliseconds after which the kernel asks an endpoint whether it is still there. */
  readonly keepAliveMs: number
  /** The socket's local end is known; it is not connected yet, and may never be. */
  readonly onStart: (socket: Socket) => void
  readonly onConnect: (socket: Socket, target: Target) => void
  /** An attempt failed; another may follow. */
  readonly onAttemptFailed: (target: Target, error: Error) => void
  /** All is lost; `error` is undefined when there was no endpoint to try. */
  readonly onFail: (error: Error | undefined) => void
}

/**
 * Connects one client to one of the endpoints.
 *
 * An endpoint that refuses costs no time, so distinct ones are tried before any is tried again, up to sixteen. One that stays silent costs its slot in the schedule, so with all of them silent a client waits 3.75 s, as with
 * the original. An error that is ours ends the dial at once: another endpoint would not help.
 */
export class Dial {
  readonly #options: DialOptions
  readonly #failed = new Set<string>()
  #attempts = 0
  #timeouts = 0
  #timer: NodeJS.Timeout | undefined
  #socket: Socket | undefined
  #lastError: Error | undefined

  constructor(options: DialOptions) {
    this.#options = options
  }

  /** Makes the first attempt. Without any endpoint, `onFail` is called before this returns. */
  start(): void {
    this.#attempt()
  }

  /** Gives up without a further call back. */
  cancel(): void {
    clearTimeout(this.#timer)
    this.#socket?.destroy()
    this.#socket = undefined
  }

  #attempt(): void {
    const { choose, schedule, keepAliveMs, onStart, onConnect, onFail } = this.#options
    const target = choose(this.#failed)
    if (target === undefined) return onFail(this.#lastError)
    const repeated = this.#failed.has(hostPort(target.ip, target.port))
    const enough = this.#attempts >= (repeated ? schedule.length : MOST_ATTEMPTS)
    if (this.#timeouts >= schedule.length || enough) return onFail(this.#lastError)
    this.#attempts++

    const timeoutMs = schedule[this.#timeouts]!
    const socket = connect({
      host: target.ip,
      port: target.port,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
    })
    this.#socket = socket
    this.#timer = setTimeout(() => {
      this.#timeouts++
      this.#fail(socket, target, new Error(`no answer within ${timeoutMs} ms`))
    }, timeoutMs)
    socket.once('connect', () => {
      clearTimeout(this.#timer)
      socket.off('error', onError)
      onConnect(socket, target)
    })
    const onError = (error: Error): void => this.#fail(socket, target, error)
    socket.on('error', onError)
    // Node itself makes the system call one tick after it was asked to.
    process.nextTick(onStart, socket)
  }

  #fail(socket: Socket, target: Target, error: Error): void {
    // Called off, or a second word about an attempt that is over.
    if (socket !== this.#socket) return
    this.#socket = undefined
    clearTimeout(this.#timer)
    socket.removeAllListeners('connect')
    socket.destroy()
    this.#failed.add(hostPort(target.ip, target.port))
    this.#lastError = error
    if (isOurs(error)) return this.#options.onFail(error)
    this.#options.onAttemptFailed(target, error)
    this.#attempt()
  }
}
