import { HAPPENED } from '../../dataplane/inspect-request.js'
import { type HappeningsEvent } from '../../status/live-events.js'
import { durationText } from '../status/duration-text.js'

/** Counts what a trace has shown. */
export class TraceSummary {
  readonly #counts = new Map<string, number>()
  #isSampled = false

  /** Counts one more event. */
  add({ items, isSampled }: HappeningsEvent): void {
    for (const { what } of items) this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1)
    this.#isSampled ||= isSampled
  }

  /** Something is missing. */
  addGap(): void {
    this.#isSampled = true
  }

  /** One line. */
  text(durationMs: number): string {
    const counts = HAPPENED.map(what => `${this.#counts.get(what) ?? 0} ${what}`).join(', ')
    return `In ${durationText(durationMs)}: ${counts}${this.#isSampled ? '; there was more than is shown' : ''}`
  }
}
