/** Runs asynchronous work one after the other, in the order in which it was given. A failure does not stop the rest. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs the work when all that was given before has ended. Resolves or rejects as the work does. */
  run<T>(work: () => Promise<T> | T): Promise<T> {
    const run = this.#last.then(work)
    this.#last = run.catch(() => undefined)
    return run
  }

  /** Resolves when everything that was given so far has ended, however it ended. */
  async idle(): Promise<void> {
    await this.#last
  }
}
