import { type Clock } from '../model/clock.js'
import { whenAborted } from '../primitives/aborted.js'
import { LAST_CLIENTS_MS } from './drain-data-plane.js'

export interface ShutdownOptions {
  /** Aborted when the process has to end. */
  readonly stop: AbortSignal
  /** Aborted by a second signal: open connections are closed at once. */
  readonly forceStop: AbortSignal
  /** How long open connections may continue then, in milliseconds. */
  readonly drainTimeout: () => number
  readonly clock: Clock
}

/** When a process has to end, and the time that it has for that: one deadline, whatever it does until then. */
export class Shutdown {
  readonly stop: AbortSignal
  readonly forceStop: AbortSignal
  readonly #options: ShutdownOptions
  readonly #lastClients = new AbortController()
  readonly #isOver = new AbortController()
  #deadline: number | undefined
  #cancelTimers: readonly (() => void)[] = []

  constructor(options: ShutdownOptions) {
    this.#options = options
    this.stop = options.stop
    this.forceStop = options.forceStop
    whenAborted(this.stop, () => this.begin())
    whenAborted(this.forceStop, () => this.#finish())
  }

  /** Aborted when the time to serve new clients is over. */
  get lastClients(): AbortSignal {
    return this.#lastClients.signal
  }

  /** Aborted when the time of open connections is over. */
  get isOver(): AbortSignal {
    return this.#isOver.signal
  }

  /** When open connections are closed, in milliseconds of the clock; Infinity before the end has begun. */
  get deadline(): number {
    return this.#deadline ?? Infinity
  }

  /** Begins it for another reason than `stop`, such as a failure. */
  begin(): void {
    if (this.#deadline !== undefined) return
    const { clock, drainTimeout } = this.#options
    const ms = drainTimeout()
    this.#deadline = clock.now() + ms
    // They keep the process alive: what waits for them may be the only work that is left.
    this.#cancelTimers = [
      clock.after(Math.max(0, ms - LAST_CLIENTS_MS), () => this.#lastClients.abort()),
      clock.after(ms, () => this.#finish()),
    ]
  }

  /** Ends it when nothing is left to end: the process need not live on for it. */
  end(): void {
    for (const cancel of this.#cancelTimers) cancel()
  }

  #finish(): void {
    this.#lastClients.abort()
    this.#isOver.abort()
  }
}
