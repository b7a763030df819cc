import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { pause } from '../primitives/pause.js'
import { HandOverName } from './hand-over-name.js'
import { type HandOverProof } from './hand-over-proof.js'
import { type SuccessorCallbacks } from './hand-over-server.js'
import { type Predecessors } from './predecessors.js'
import { standBehind } from './stand-behind.js'

/** How often a proxy that serves without a hand-over asks again, in milliseconds. */
const LATE_RETRY_MS = 5000
/**
 * How long a proxy that has taken over may need until its rules are in the kernel, in milliseconds. Then it ends, so that the other one
 * serves again: less than the time after which that one no longer vouches for it (`SUCCESSOR_LATE_MS`).
 */
export const TAKE_OVER_TIMEOUT_MS = 45_000
/** How long the rules that were read at the start are trusted if no other proxy had the name then. In milliseconds. */
const MAX_READ_AGE_MS = 5000

/** What happens to a proxy because of another one. */
export interface HandOverCallbacks extends SuccessorCallbacks {
  /** Another proxy serves on, and the turn of this one has not come: it stands by. */
  readonly onOtherServes: () => Promise<void>
}

export interface HandOverOptions {
  readonly address: string
  readonly proof: HandOverProof
  readonly predecessors: Predecessors
  /** Called when another proxy takes over from this one, or serves on. */
  readonly successor: HandOverCallbacks
  /** Whether this process has given way before: then it takes over only from a proxy that is about to end. */
  readonly isAgain: boolean
  /** Whether another process had the name when this proxy started. */
  readonly isNameTaken: boolean
  /** The ports of health checks and metrics can be free. */
  readonly onPortsFree: () => void
  readonly clock: Clock
  readonly log: Log
}

/** Who must know when the turn of this proxy comes. */
export interface TurnSubscriber {
  /** Another proxy may have written rules since this one has read them: reads them again. */
  readonly onStaleRules: () => Promise<void>
  /** This proxy may open its ports and write its rules. */
  readonly onTurn: () => void
  /** Another one has given way to this proxy, or would serve instead of it, and its rules are not in the kernel in time. */
  readonly onLate: () => void
  /**
   * Another proxy, which had not replied in time, has given way now. It may have changed rules: clients are led to its listeners
   * until the promise resolves.
   */
  readonly onLateHandOver: () => Promise<void>
}

/**
 * Sees to it that one proxy writes the rules of a node at a time. The newest one asks the one that serves to give way, once it
 * knows what to serve; `LifeCycle` has the states. A proxy that does not reply is not waited for: then this one serves, and asks
 * again every few seconds, since one that was stopped writes rules again as soon as it continues.
 */
export class HandOver {
  readonly #options: HandOverOptions
  readonly #createdAt: number
  readonly #name: HandOverName
  readonly #serves = new AbortController()
  #isRequested = false
  #isOurTurn = false
  /** Whether the time has begun in which this proxy has to serve. */
  #isTimeLimited = false
  #subscriber: TurnSubscriber | undefined

  constructor(options: HandOverOptions) {
    this.#options = options
    this.#createdAt = options.clock.now()
    this.#name = new HandOverName({ ...options, serves: this.#serves.signal, onDecline: () => this.#limitTime() })
  }

  /** Sets the subscriber. Call it before the first `mayServe`. */
  subscribe(subscriber: TurnSubscriber): void {
    this.#subscriber = subscriber
  }

  /** Whether this proxy may serve. The first call asks for that. */
  mayServe(): boolean {
    if (!this.#isRequested) {
      this.#isRequested = true
      void this.#request()
    }
    return this.#isOurTurn
  }

  /** The rules of this proxy are in the kernel. */
  announceServing(): void {
    this.#serves.abort()
    void this.#options.predecessors.announceServing().then(this.#options.onPortsFree)
  }

  /** This proxy is about to end: those that gave way to it may serve again, and still ask before they do. */
  release(): void {
    this.#name.announceLeaving()
    this.#options.predecessors.release()
  }

  /** Waits while another proxy serves; see `standBehind`. Never rejects. */
  async standBehind(onServing: (isServing: boolean) => void, stop: AbortSignal): Promise<void> {
    const { address, proof, clock, log } = this.#options
    const problem = new OnceReporter()
    const onFailure = (error: Error): void => {
      problem.updateOne(error.message, () => log.error('Cannot wait for the other kube-proxy; trying again', error))
    }
    try {
      await standBehind({ address, proof, demand: 'stand by', onServing, onFailure, clock, stop })
    } catch (error) {
      log.error('Cannot wait for the other kube-proxy', error)
    }
  }

  /** Frees the name. */
  close(): void {
    this.#name.close()
  }

  async #request(): Promise<void> {
    const { clock, log, predecessors, successor, isAgain, isNameTaken, onPortsFree } = this.#options
    const outcome = await this.#name.take(isAgain ? 'serve again' : 'take over')
    if (this.#name.closed.aborted) return
    if (outcome === 'serves on') {
      log.info(0, 'A newer kube-proxy serves this node: standing by behind it')
      return successor.onOtherServes()
    }
    if (outcome !== 'ours') {
      const { message, reason } = outcome
      log.warn(message, { reason })
      void this.#retry()
    }
    const isFresh = clock.now() - this.#createdAt < MAX_READ_AGE_MS
    if (this.#name.hasPredecessor || isNameTaken || !isFresh) await this.#subscriber?.onStaleRules()
    if (this.#name.closed.aborted) return
    this.#isOurTurn = true
    this.#subscriber?.onTurn()
    if (this.#name.hasPredecessor) this.#limitTime()
    void predecessors.whenReleased().then(onPortsFree)
  }

  /** There is another proxy that could serve. The time counts from the first one, which relies on it. */
  #limitTime(): void {
    if (this.#isTimeLimited) return
    this.#isTimeLimited = true
    const checkServing = (): void => {
      if (!this.#serves.signal.aborted && !this.#name.closed.aborted) this.#subscriber?.onLate()
    }
    this.#options.clock.after(TAKE_OVER_TIMEOUT_MS, checkServing, { keepsAlive: false })
  }

  /** Asks again until the name is free or the other proxy gives way, while this one serves. */
  async #retry(): Promise<void> {
    const { clock, predecessors } = this.#options
    do await pause(clock, LATE_RETRY_MS, this.#name.closed, { keepsAlive: false })
    while (
      // Also if this process has given way before: of two that write rules, the one that asks first goes on.
      !this.#name.closed.aborted &&
      (await this.#name.take('take over')) !== 'ours'
    )
    if (this.#name.closed.aborted || !this.#name.hasPredecessor) return
    await this.#subscriber?.onLateHandOver()
    if (this.#serves.signal.aborted) await predecessors.announceServing()
  }
}
