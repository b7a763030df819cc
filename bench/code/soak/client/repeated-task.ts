import { setMaxListeners } from 'node:events'
import { setTimeout } from 'node:timers/promises'

/** Work that repeats, with a pause after each run. */
export interface RepeatedTask {
  /** In milliseconds. */
  readonly pauseMs: number
  /** Does the work once. It counts failures and never throws. */
  runOnce(): Promise<void>
  /** Ends open connections. */
  end?(): Promise<void>
}

/** Several tasks that repeat at the same time until `stop()`. */
export class RepeatedTasks {
  #stopped = false
  readonly #running: Promise<void>[] = []
  readonly #abort = new AbortController()

  constructor() {
    // One listener per paused task.
    setMaxListeners(0, this.#abort.signal)
  }

  start(round: RepeatedTask): void {
    this.#running.push(this.#run(round))
  }

  /** Resolves when all tasks have finished their current run. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#abort.abort()
    await Promise.all(this.#running)
  }

  async #run(round: RepeatedTask): Promise<void> {
    while (!this.#stopped) {
      await round.runOnce()
      await setTimeout(round.pauseMs, undefined, { signal: this.#abort.signal }).catch(() => undefined)
    }
    await round.end?.()
  }
}
