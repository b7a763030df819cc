/** What has to be undone at the end, whatever the end is; last things first. */
export class Teardown {
  readonly #actions: (() => unknown)[] = []
  #ended = false

  /** Notes something to undo. After the end it is undone at once, and the caller is told to stop. */
  async add(action: () => unknown): Promise<void> {
    this.#actions.push(action)
    if (!this.#ended) return
    await this.end()
    throw new Error('interrupted')
  }

  /** Undoes everything noted so far. What cannot be undone does not keep the rest from it. */
  async end(): Promise<void> {
    this.#ended = true
    for (let action = this.#actions.pop(); action !== undefined; action = this.#actions.pop()) {
      try {
        await action()
      } catch {
        // It may be gone already, half-made as it was.
      }
    }
  }
}
