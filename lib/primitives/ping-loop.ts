import { type Clock } from '../model/clock.js'
import { type ProcessLiveness } from './process-liveness.js'

/** How often a process gets a ping, in milliseconds. */
const PING_INTERVAL_MS = 2000

/** What a `PingLoop` does. */
export interface PingActions {
  /** Sends a ping. The owner reports the reply to the `ProcessLiveness`. */
  readonly ping: () => void
  /** The process has been silent for too long. The loop has ended; the owner replaces the process. */
  readonly onSilent: () => void
}

/** Asks a child process again and again whether it still does its work. Its timer does not keep the program alive. */
export class PingLoop {
  readonly #clock: Clock
  readonly #liveness: ProcessLiveness
  readonly #actions: PingActions
  #cancelTimer: () => void = () => undefined

  constructor(clock: Clock, liveness: ProcessLiveness, actions: PingActions) {
    this.#clock = clock
    this.#liveness = liveness
    this.#actions = actions
  }

  /** A process has just been started. */
  start(): void {
    this.stop()
    this.#liveness.started()
    this.#next()
  }

  /** The process has ended, or does not matter any more. */
  stop(): void {
    this.#cancelTimer()
  }

  #next(): void {
    if (this.#liveness.mustBeReplaced) return this.#actions.onSilent()
    this.#liveness.pinged()
    this.#actions.ping()
    this.#cancelTimer = this.#clock.after(PING_INTERVAL_MS, () => this.#next(), { keepsAlive: false })
  }
}
