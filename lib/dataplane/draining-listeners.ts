import { type Listener } from './listener.js'

/** Listeners that are closed, and have connections that go on, until these have ended. */
export class DrainingListeners {
  readonly #listeners = new Set<Listener>()
  #onConnectionEnd: () => void = () => undefined

  /** Takes one that was just closed. */
  add(listener: Listener): void {
    this.#listeners.add(listener)
    this.removeIdle()
  }

  /** Lets go of those that nothing keeps any more. */
  removeIdle(): void {
    for (const listener of this.#listeners) {
      if (listener.countBusy() > 0) continue
      listener.abortConnections()
      this.#listeners.delete(listener)
    }
  }

  /** To be called whenever a connection has ended. */
  notifyConnectionEnd(): void {
    this.#onConnectionEnd()
  }

  /** Resolves when nothing is busy any more, or after `timeoutMs` milliseconds. */
  waitUntilIdle(timeoutMs: number): Promise<void> {
    return new Promise(resolve => {
      const check = (): void => {
        for (const listener of this.#listeners) if (listener.countBusy() > 0) return
        finish()
      }
      const finish = (): void => {
        clearTimeout(timeout)
        clearInterval(poll)
        this.#onConnectionEnd = () => undefined
        resolve()
      }
      const timeout = setTimeout(finish, timeoutMs)
      // A UDP flow stops holding up the drain by the mere passing of time.
      const poll = setInterval(check, 100)
      this.#onConnectionEnd = check
      check()
    })
  }

  /** Breaks off what is still open; returns how many that were. */
  abortConnections(): number {
    let count = 0
    for (const listener of this.#listeners) count += listener.abortConnections()
    this.#listeners.clear()
    return count
  }

  [Symbol.iterator](): Iterator<Listener> {
    return this.#listeners.values()
  }
}
