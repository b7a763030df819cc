import { type ClusterEvent } from '../model/event-sink.js'
import { fingerprint } from '../primitives/reuse-equal.js'

/** How long the same event is not written again: a sync each minute must not fill the cluster's store with one conflict. */
const WINDOW_MS = 10 * 60_000
/** More than the rate limit allows in that time. Beyond that the oldest are removed. */
const MAX_ENTRIES = 1000

/**
 * Remembers the recent events. It is not a OnceReporter: an event describes a moment and never ends, so only time can make it
 * news again.
 */
export class RecentEvents {
  readonly #now: () => number
  /** When each event was recorded, the oldest first. */
  readonly #reportedAt = new Map<string, number>()

  /** @param now returns milliseconds that only go forward */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Whether this event is new. If so, the same event is not new for the next ten minutes. */
  add(event: ClusterEvent): boolean {
    const now = this.#now()
    for (const [key, at] of this.#reportedAt) {
      if (now - at < WINDOW_MS && this.#reportedAt.size < MAX_ENTRIES) break
      this.#reportedAt.delete(key)
    }
    const key = keyOf(event)
    if (this.#reportedAt.has(key)) return false
    this.#reportedAt.set(key, now)
    return true
  }

  /** The event could not be written: the next one is new again. */
  remove(event: ClusterEvent): void {
    this.#reportedAt.delete(keyOf(event))
  }
}

/** Includes the uid, because a Service that was deleted and created again has its own events. */
function keyOf({ regarding: { kind, namespace, name, uid }, reason, note }: ClusterEvent): string {
  return fingerprint([kind, namespace, name, uid, reason, note])
}
