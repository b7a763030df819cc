import { fingerprint } from './reuse-equal.js'

/**
 * Remembers the last result of a computation by the value of its input. An input that every sync creates again, with equal
 * content, returns the same object. Inputs are plain data with a fixed order of fields.
 */
export class Memo<Input, Result> {
  readonly #compute: (input: Input) => Result
  #last: { readonly inputFingerprint: string; readonly result: Result } | undefined

  constructor(compute: (input: Input) => Result) {
    this.#compute = compute
  }

  /** The result for this input: the last one if the input is equal, otherwise a new one. */
  get(input: Input): Result {
    const inputFingerprint = fingerprint(input)
    if (this.#last?.inputFingerprint !== inputFingerprint)
      this.#last = { inputFingerprint, result: this.#compute(input) }
    return this.#last.result
  }
}
