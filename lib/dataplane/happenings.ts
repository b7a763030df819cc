import { type Clock } from '../model/clock.js'
import { isFailure, isWantedHappening } from './wanted-happening.js'
import { HappeningSample } from './happening-sample.js'
import { type HappeningFilter, type InspectedHappening } from './inspect-request.js'

/** What the caller knows of a happening. */
export interface Happened extends Omit<InspectedHappening, 'sequence' | 'msAgo' | 'openedMsAgo'> {
  /** Milliseconds of the clock; undefined: there was no connection. */
  readonly openedAt?: number
}

interface Kept {
  readonly happened: Happened
  readonly sequence: number
  readonly at: number
}

/** Without a question for so long, no client watches any more. In milliseconds. */
const WATCH_MS = 10_000
/** What waits for the next question, if answers to earlier ones were lost. */
const MAX_KEPT = 999

/**
 * What happens to clients, for as long as clients of the status API watch. While none does, nothing is remembered: callers look at
 * `isWatched` first, which is all that it costs them then.
 */
export class Happenings {
  /** Whether to call `add`. */
  isWatched = false
  readonly #clock: Clock
  #until = 0
  #filters: readonly HappeningFilter[] = []
  #sample = new HappeningSample()
  #kept: Kept[] = []
  /** The last one of all, if it was left out: it is reported nevertheless, or a gap at the end would go unnoticed. */
  #leftOut: Kept | undefined
  /** Counts also what is not kept: a gap says that there was more. */
  #sequence = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Something has happened. */
  add(happened: Happened): void {
    const at = this.#clock.now()
    if (at > this.#until) return this.#forget(0)
    if (!this.#filters.some(filter => isWantedHappening(filter, happened))) return
    this.#sequence++
    const isKept = this.#sample.keeps(happened.id, isFailure(happened)) && this.#kept.length < MAX_KEPT
    const last = { happened, sequence: this.#sequence, at }
    if (isKept) this.#kept.push(last)
    this.#leftOut = isKept ? undefined : last
  }

  /**
   * What has happened since the last question, in order. From now on, what passes one of the filters is remembered.
   * @param after the last `sequence` that the caller has; undefined: it has just begun, and gets nothing yet
   */
  ask(after: number | undefined, filters: readonly HappeningFilter[]): InspectedHappening[] {
    const now = this.#clock.now()
    if (after === undefined) this.#forget(0)
    // What came meanwhile is lost: a gap.
    else if (!this.isWatched || now > this.#until) this.#forget(after + 1)
    this.isWatched = true
    this.#until = now + WATCH_MS
    this.#filters = filters
    const isNew = ({ sequence }: Kept): boolean => sequence > (after ?? 0)
    this.#kept = this.#kept.filter(isNew)
    this.#sample.next()
    const leftOut = this.#leftOut !== undefined && isNew(this.#leftOut) ? [this.#leftOut] : []
    return [...this.#kept, ...leftOut].map(({ happened: { openedAt, ...happened }, sequence, at }) => ({
      ...happened,
      sequence,
      msAgo: now - at,
      ...(openedAt === undefined ? {} : { openedMsAgo: now - openedAt }),
    }))
  }

  #forget(sequence: number): void {
    this.isWatched = false
    this.#kept = []
    this.#leftOut = undefined
    this.#sequence = sequence
    this.#sample = new HappeningSample()
  }
}
