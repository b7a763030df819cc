import { SerialQueue } from '../primitives/serial-queue.js'

/** The actions that clean up at the end of the demo, on every kind of end; the last action added runs first. */
export class Teardown {
  readonly #actions: (() => unknown)[] = []
  /** Each caller of run() also waits for the actions that another caller has started. */
  readonly #runs = new SerialQueue()
  #ended = false

  /** Adds an action. After the end the action runs at once. @throws Error after the end, so that the caller stops */
  async add(action: () => unknown): Promise<void> {
    this.#actions.push(action)
    if (!this.#ended) return
    await this.run()
    this.throwIfEnded()
  }

  /** Takes back an action: what it would clean up is gone already. */
  remove(action: () => unknown): void {
    const index = this.#actions.indexOf(action)
    if (index >= 0) this.#actions.splice(index, 1)
  }

  /** @throws Error after the end: what a program of the demo prints from then on means nothing */
  throwIfEnded(): void {
    if (this.#ended) throw new Error('The demo was interrupted')
  }

  /** Runs all actions added so far. An action that fails does not stop the others. */
  run(): Promise<void> {
    this.#ended = true
    return this.#runs.run(() => this.#runActions())
  }

  async #runActions(): Promise<void> {
    for (let action = this.#actions.pop(); action !== undefined; action = this.#actions.pop()) {
      try {
        await action()
      } catch {
        // The resource may be gone already, or was never created completely.
      }
    }
  }
}

/** Waits for all, even if one fails: no work may continue while the teardown runs. */
export async function settleAll<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work)
  return Promise.all(work)
}
