/**
 * Reports each problem once: when it appears, and again only after it was gone. Every sync and every retry checks the same
 * state, and a log line or an event for each check would hide the one that matters.
 */
export class OnceReporter {
  #present: ReadonlySet<string> = new Set()

  /** The keys of the current problems. */
  get present(): ReadonlySet<string> {
    return this.#present
  }

  /**
   * Takes all current problems, and reports those that were not current at the last call.
   *
   * @param keyOf distinguishes problems; a problem whose key changes is a new problem
   * @returns the keys of the problems that are gone since the last call
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

  /**
   * Does the same for something that has at most one problem at a time.
   *
   * @param problem undefined: there is none
   * @returns whether an earlier problem is gone: solved, or replaced by this one
   */
  updateOne(problem: string | undefined, report: (problem: string) => void): boolean {
    const gone = this.update(problem === undefined ? [] : [problem], text => text, report)
    return gone.length > 0
  }

  /** Adds a problem to the current ones, and reports it if it is new. */
  add(problem: string, report: (problem: string) => void): void {
    this.update([...this.#present, problem], text => text, report)
  }

  /** Removes all problems; returns whether there were any. */
  clear(): boolean {
    const hadProblems = this.#present.size > 0
    this.#present = new Set()
    return hadProblems
  }
}
