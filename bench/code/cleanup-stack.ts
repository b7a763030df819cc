import { type TeardownScope } from '../../test/support/nodes/node-network.js'

/**
 * Runs a benchmark and then, also after a failure, its clean-up actions, last one first, even if one of
 * them fails.
 */
export class CleanupStack implements TeardownScope {
  readonly #actions: (() => unknown)[] = []

  static async run(bench: (t: TeardownScope) => Promise<void>): Promise<void> {
    const ending = new CleanupStack()
    const interrupted = (): void => void ending.#runAll().then(() => process.exit(130))
    process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
    try {
      await bench(ending)
    } finally {
      await ending.#runAll()
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    }
  }

  teardown(action: () => unknown): void {
    this.#actions.push(action)
  }

  async #runAll(): Promise<void> {
    const errors: unknown[] = []
    for (let action = this.#actions.pop(); action !== undefined; action = this.#actions.pop()) {
      try {
        await action()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'The clean-up is incomplete')
  }
}
