import { setTimeout } from 'node:timers/promises'

/** A change that repeats until `stop()`. */
export abstract class ChurnLoop {
  /** The number of changes so far. */
  count = 0
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined

  /** @param onFailure called when the loop fails */
  start(onFailure: (error: Error) => void): void {
    this.#running = this.#run().catch(onFailure)
  }

  /** Resolves when the started change is done. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** One change with its pauses. */
  protected abstract runOnce(n: number): Promise<void>

  /** @param ms milliseconds; `stop()` ends the pause early */
  protected async pause(ms: number): Promise<void> {
    await setTimeout(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined)
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) await this.runOnce(this.count++)
  }
}
