import { type Clock } from '../model/clock.js'
import { type HandOverCallbacks } from './hand-over.js'

/**
 * How long a successor may take until it serves, in milliseconds. It gives up before (`TAKE_OVER_TIMEOUT_MS`). If it does not, because
 * it hangs, it must answer probes itself: this proxy, which follows the cluster no longer, must not vouch for it.
 */
export const SUCCESSOR_LATE_MS = 60_000

/** What a proxy knows about the one that takes over from it. Each signal is aborted when it has happened. */
export class Successor implements HandOverCallbacks {
  readonly #clock: Clock
  readonly #asks = new AbortController()
  readonly #serves = new AbortController()
  readonly #answers = new AbortController()
  readonly #gone = new AbortController()
  readonly #portsReleased = new AbortController()
  #isLost = false
  /** Stops everything that keeps a successor from serving. Set it before the first successor can ask. */
  giveWay: () => Promise<void> = () => Promise.resolve()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** It asks this proxy to give way, or serves already. */
  get asks(): AbortSignal {
    return this.#asks.signal
  }

  /** Its rules are in the kernel. */
  get serves(): AbortSignal {
    return this.#serves.signal
  }

  /** It must answer probes from now on: it serves, or it takes too long, or this proxy has to end. */
  get answers(): AbortSignal {
    return this.#answers.signal
  }

  /** It is about to end, or has ended. */
  get gone(): AbortSignal {
    return this.#gone.signal
  }

  /** Whether it left what it had to do undone: it was killed, or ended before it served. */
  get isLost(): boolean {
    return this.#isLost
  }

  get portsReleased(): AbortSignal {
    return this.#portsReleased.signal
  }

  /** It gets the ports of health checks and metrics, if it has asked. */
  readonly letAnswer = (): void => {
    if (this.#asks.signal.aborted) this.#answers.abort()
  }

  /** This proxy has closed these ports. */
  readonly announceRelease = (): void => this.#portsReleased.abort()

  readonly onAsk = async (): Promise<void> => {
    this.#asks.abort()
    this.#clock.after(SUCCESSOR_LATE_MS, this.letAnswer, { keepsAlive: false })
    await this.giveWay()
  }

  readonly onServing = (): void => {
    this.#serves.abort()
    this.letAnswer()
  }

  readonly onOtherServes = async (): Promise<void> => {
    this.#asks.abort()
    await this.giveWay()
    this.#answers.abort()
    // Until the other one serves, the rules may lead to this process.
    this.onGone('lost')
  }

  readonly onGone = (how: 'leaving' | 'lost'): void => {
    this.#isLost = how === 'lost' || !this.#serves.signal.aborted
    this.#gone.abort()
  }
}
