import { type Clock } from '../model/clock.js'
import { systemCode } from '../model/failure.js'
import { OnceReporter } from '../primitives/once-reporter.js'

/** The parts and settings of a `BindRetry`. */
export interface BindRetryOptions<Failure extends Error> {
  /** Tries once to listen. Resolves with the failure if it fails; never rejects. */
  readonly open: () => Promise<Failure | undefined>
  readonly onBound: () => void
  /** Called once for each problem, not for each attempt. */
  readonly onProblem: (failure: Failure, retryMs: number) => void
  readonly clock: Clock
  /** Resolves when the address can be free; absent: it can be now. */
  readonly bindAfter?: Promise<unknown> | undefined
  /** Whether one attempt is all; `first` is the only report of its failure. */
  readonly triesOnce?: boolean | undefined
  /** Milliseconds between attempts; 5000 as in kube-proxy 1.36. */
  readonly retryMs?: number | undefined
}

/** Tries to listen until that works. */
export class BindRetry<Failure extends Error> {
  readonly #options: BindRetryOptions<Failure>
  readonly #problem = new OnceReporter()
  #cancelRetry: () => void = () => {}
  #closed = false

  /** The failure of the first attempt. Never rejects. */
  readonly first: Promise<Failure | undefined>

  /** Starts the first attempt. */
  constructor(options: BindRetryOptions<Failure>) {
    this.#options = options
    this.first = this.#attempt()
  }

  /** Makes no further attempt. One that runs must be ended by the caller. */
  close(): void {
    this.#closed = true
    this.#cancelRetry()
  }

  async #attempt(): Promise<Failure | undefined> {
    const { bindAfter, open, onBound } = this.#options
    await bindAfter
    if (this.#closed) return undefined
    const failure = await open()
    if (this.#closed) return undefined
    if (failure === undefined) {
      this.#problem.clear()
      onBound()
    } else if (this.#options.triesOnce !== true) this.#onFailed(failure)
    return failure
  }

  #onFailed(failure: Failure): void {
    const { retryMs = 5000, clock, onProblem } = this.#options
    const cause = failure.cause ?? failure
    const problem = systemCode(cause) ?? String(cause)
    this.#problem.updateOne(problem, () => onProblem(failure, retryMs))
    this.#cancelRetry = clock.after(retryMs, () => void this.#attempt())
  }
}
