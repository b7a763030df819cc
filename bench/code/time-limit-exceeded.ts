/** Something was not done within its limit. The benchmark goes on without it, and says so. */
export class TimeLimitExceeded extends Error {
  readonly limitMs: number

  constructor(what: string, limitMs: number) {
    super(`${what} took longer than ${limitMs / 1000} s`)
    this.limitMs = limitMs
  }
}
