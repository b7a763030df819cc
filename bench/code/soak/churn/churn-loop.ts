import { setTimeout } from 'node:timers/promises'

/** Something that goes on changing until it is told to stop. */
export abstract class ChurnLoop {
  /** How often it has happened. */
  count = 0
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined

  /** @param onFailure told when it cannot go on */
  start(onFailure: (error: Error) => void): void {
    this.#running = this.#run().catch(onFailure)
  }

  /** Resolves when what was begun is done. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** One change, with the pauses that belong to it. */
  protected abstract runOnce(n: number): Promise<void>

  /** @param ms milliseconds; less when it is told to stop */
  protected async pause(ms: number): Promise<void> {
    await setTimeout(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined)
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) await this.runOnce(this.count++)
  }
}
