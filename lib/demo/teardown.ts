/** What has to be undone at the end, whatever the end is; last things first. */
export class Teardown {
  readonly #actions: (() => unknown)[] = []
  /** All undoing so far: whoever waits for the end waits for what others have begun, too. */
  #running: Promise<void> = Promise.resolve()
  #ended = false

  /** Notes something to undo. After the end it is undone at once, and the caller is told to stop. */
  async add(action: () => unknown): Promise<void> {
    this.#actions.push(action)
    if (!this.#ended) return
    await this.run()
    throw new Error('interrupted')
  }

  /** Undoes everything noted so far. What cannot be undone does not keep the rest from it. */
  run(): Promise<void> {
    this.#ended = true
    this.#running = this.#running.then(() => this.#runActions())
    return this.#running
  }

  async #runActions(): Promise<void> {
    for (let action = this.#actions.pop(); action !== undefined; action = this.#actions.pop()) {
      try {
        await action()
      } catch {
        // It may be gone already, half-made as it was.
      }
    }
  }
}

/** Waits for all, also when one has failed: nothing may still be under way when everything is undone. */
export async function settleAll<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work)
  return Promise.all(work)
}
