import { setMaxListeners } from 'node:events'
import { setTimeout } from 'node:timers/promises'

/** One who does the same work again and again, with a pause after each time. */
export interface RepeatedTask {
  /** In milliseconds. */
  readonly pauseMs: number
  /** Does it once. What goes wrong it counts; it never throws. */
  runOnce(): Promise<void>
  /** Ends what is still open. */
  end?(): Promise<void>
}

/** Some who do their rounds at the same time, until they are told to stop. */
export class RepeatedTasks {
  #stopped = false
  readonly #running: Promise<void>[] = []
  readonly #abort = new AbortController()

  constructor() {
    // One for each who pauses.
    setMaxListeners(0, this.#abort.signal)
  }

  start(round: RepeatedTask): void {
    this.#running.push(this.#run(round))
  }

  /** Resolves when everybody has finished what was begun. */
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
