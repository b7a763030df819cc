/** Work did not finish within its time limit. The benchmark continues without it and reports this. */
export class TimeLimitExceeded extends Error {
  readonly limitMs: number

  constructor(what: string, limitMs: number) {
    super(`${what} took longer than ${limitMs / 1000} s`)
    this.limitMs = limitMs
  }
}
