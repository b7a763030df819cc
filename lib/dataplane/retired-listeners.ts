import { type Listener } from './listener.js'

/** Listeners that are closed, and have connections that go on, until these have ended. */
export class RetiredListeners {
  readonly #listeners = new Set<Listener>()
  #onIdle: () => void = () => undefined

  /** Takes one that was just closed. */
  add(listener: Listener): void {
    this.#listeners.add(listener)
    this.forgetIdle()
  }

  /** Lets go of those that nothing keeps any more. */
  forgetIdle(): void {
    for (const listener of this.#listeners) {
      if (listener.busy() > 0) continue
      listener.cutOff()
      this.#listeners.delete(listener)
    }
  }

  /** To be called whenever a connection has ended. */
  noteEnd(): void {
    this.#onIdle()
  }

  /** Resolves when nothing is busy any more, or after `timeoutMs` milliseconds. */
  quiet(timeoutMs: number): Promise<void> {
    return new Promise(resolve => {
      const check = (): void => {
        for (const listener of this.#listeners) if (listener.busy() > 0) return
        finish()
      }
      const finish = (): void => {
        clearTimeout(timeout)
        clearInterval(poll)
        this.#onIdle = () => undefined
        resolve()
      }
      const timeout = setTimeout(finish, timeoutMs)
      // A UDP flow stops holding up the drain by the mere passing of time.
      const poll = setInterval(check, 100)
      this.#onIdle = check
      check()
    })
  }

  /** Breaks off what is still open; returns how many that were. */
  cutOff(): number {
    let count = 0
    for (const listener of this.#listeners) count += listener.cutOff()
    this.#listeners.clear()
    return count
  }

  [Symbol.iterator](): Iterator<Listener> {
    return this.#listeners.values()
  }
}
