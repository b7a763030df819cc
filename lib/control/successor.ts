import { type SuccessorCallbacks } from './hand-over.js'

/** What a proxy knows about the one that takes over from it. Each signal is aborted when it has happened. */
export class Successor implements SuccessorCallbacks {
  readonly #asks = new AbortController()
  readonly #serves = new AbortController()
  readonly #gone = new AbortController()
  /** Stops everything that keeps a successor from serving. Set it before the first successor can ask. */
  giveWay: () => Promise<void> = () => Promise.resolve()
  /** Stops what this proxy does until a successor serves. Set it as well. */
  standBy: () => Promise<void> = () => Promise.resolve()

  /** It asks this proxy to give way. */
  get asks(): AbortSignal {
    return this.#asks.signal
  }

  /** Its rules are in the kernel. */
  get serves(): AbortSignal {
    return this.#serves.signal
  }

  /** It is about to end, or has ended. */
  get gone(): AbortSignal {
    return this.#gone.signal
  }

  readonly onAsk = async (): Promise<void> => {
    this.#asks.abort()
    await this.giveWay()
  }

  readonly onServing = async (): Promise<void> => {
    this.#serves.abort()
    await this.standBy()
  }

  readonly onGone = (): void => this.#gone.abort()
}
