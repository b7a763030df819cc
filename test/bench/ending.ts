import { type Teardown } from '../support/node-network.js'

/** Runs a benchmark and afterwards, whatever became of it, what it left to be done at the end, last things first. */
export class Ending implements Teardown {
  readonly #actions: (() => unknown)[] = []

  static async around(bench: (t: Teardown) => Promise<void>): Promise<void> {
    const ending = new Ending()
    const interrupted = (): void => void ending.#end().then(() => process.exit(130))
    process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
    try {
      await bench(ending)
    } finally {
      await ending.#end()
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    }
  }

  teardown(action: () => unknown): void {
    this.#actions.push(action)
  }

  async #end(): Promise<void> {
    for (let action = this.#actions.pop(); action !== undefined; action = this.#actions.pop()) await action()
  }
}
