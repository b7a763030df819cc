/** Runs asynchronous tasks one after the other, in the order of the calls. A task that fails does not stop the next one. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs the task when all earlier ones have ended. Resolves or rejects as the task does. */
  run<T>(task: () => Promise<T> | T): Promise<T> {
    const run = this.#last.then(task)
    this.#last = run.catch(() => undefined)
    return run
  }

  /** Resolves when all tasks so far have ended, successfully or not. */
  async idle(): Promise<void> {
    await this.#last
  }
}
