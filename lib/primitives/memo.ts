import { fingerprint } from './fingerprint.js'

/**
 * Remembers the last result of a computation, by the value of its input: an input that is made again on every sync, but says
 * the same, gives the same object. Inputs are plain data with a fixed order of fields.
 */
export class Memo<Input, Result> {
  readonly #compute: (input: Input) => Result
  #last: { readonly of: string; readonly result: Result } | undefined

  constructor(compute: (input: Input) => Result) {
    this.#compute = compute
  }

  get(input: Input): Result {
    const of = fingerprint(input)
    if (this.#last?.of !== of) this.#last = { of, result: this.#compute(input) }
    return this.#last.result
  }
}
