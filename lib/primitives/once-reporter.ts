/**
 * Reports each problem once: when it appears, and again only after it was gone. The same state is looked at many times, by
 * every sync and every retry, and a log line or an event for each would hide the one that matters.
 */
export class OnceReporter {
  #present: ReadonlySet<string> = new Set()

  /** Keys of the problems that are there now. */
  get present(): ReadonlySet<string> {
    return this.#present
  }

  /**
   * Takes all problems that there are now, and reports those that were not there at the last call.
   *
   * @param keyOf what tells problems apart; a problem that changes its key is a new one
   * @returns the problems that are gone since the last call, by key
   */
  update<Problem>(
    problems: Iterable<Problem>,
    keyOf: (problem: Problem) => string,
    report: (problem: Problem) => void,
  ): string[] {
    const before = this.#present
    const present = new Set<string>()
    for (const problem of problems) {
      const key = keyOf(problem)
      if (!before.has(key) && !present.has(key)) report(problem)
      present.add(key)
    }
    this.#present = present
    return [...before].filter(key => !present.has(key))
  }

  /** The same for a place that has one problem at most: `undefined` means that it works. */
  updateOne(problem: string | undefined, report: (problem: string) => void): void {
    this.update(problem === undefined ? [] : [problem], text => text, report)
  }
}
