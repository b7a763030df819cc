/** A process that has not replied to so many pings in a row is silent: it has not turned for four to six seconds. */
const SILENT_PINGS = 3
/** A process that has not replied to so many pings in a row is replaced, after ten to twelve seconds. */
const REPLACED_PINGS = 5
/** The same for a process that is starting. A slow disk or a busy CPU delays the start, and only this process waits for it. */
const REPLACED_PINGS_AT_START = 15
/** A process that exits this often within this time, in milliseconds, keeps exiting. */
const MANY_EXITS = 3
const EXITS_PERIOD_MS = 60_000

/** Why a process does not do its work. */
export type ProcessProblem = 'silent' | 'not-starting' | 'keeps-exiting'

/**
 * Decides from the pings and exits of a child process whether it does its work, and whether another process must replace it;
 * `PingLoop` sends the pings.
 *
 * Silence is counted in pings, not in time. The process that sends the pings may itself not run for a while, when a laptop sleeps
 * or a debugger stops it; then it sends none, and the child is not blamed.
 */
export class ProcessLiveness {
  #unansweredPings = 0
  #isReady = false
  #exits: readonly number[] = []
  /** What was wrong with a process that has exited; undefined: nothing, or another process does its work. */
  #leftProblem: ProcessProblem | undefined

  /** A process was started. */
  started(): void {
    this.#isReady = false
    this.#unansweredPings = 0
  }

  /** The process is ready, or has replied to a ping. */
  replied(): void {
    this.#isReady = true
    this.#unansweredPings = 0
    this.#leftProblem = undefined
  }

  /** A ping is sent now. */
  pinged(): void {
    this.#unansweredPings++
  }

  /**
   * The process has exited, and not because it was to be replaced.
   * @param now milliseconds of any clock
   */
  exited(now: number): void {
    this.#leftProblem = this.#silence ?? this.#leftProblem
    this.#unansweredPings = 0
    this.#exits = [...this.#exits.slice(1 - MANY_EXITS), now]
  }

  /** Whether the process has replied to the last ping. */
  get hasReplied(): boolean {
    return this.#unansweredPings === 0
  }

  /** Whether the process has been silent for so long that another one must replace it. */
  get mustBeReplaced(): boolean {
    return this.#unansweredPings >= (this.#isReady ? REPLACED_PINGS : REPLACED_PINGS_AT_START)
  }

  /** Why the process does not do its work; undefined: it does, or will in a moment. After a silent one, only a reply shows that. */
  problemAt(now: number): ProcessProblem | undefined {
    if (this.#silence !== undefined) return this.#silence
    const recent = this.#exits.filter(at => now - at < EXITS_PERIOD_MS)
    return recent.length >= MANY_EXITS ? 'keeps-exiting' : this.#leftProblem
  }

  get #silence(): ProcessProblem | undefined {
    if (this.#unansweredPings < SILENT_PINGS) return undefined
    return this.#isReady ? 'silent' : 'not-starting'
  }
}
