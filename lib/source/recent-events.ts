import { type ClusterEvent } from '../model/event-sink.js'

/** For how long an event is not told again: one sync a minute must not fill the cluster's store with one conflict. */
const WINDOW_MS = 10 * 60_000
/** More than there can be at the rate that events are written; the oldest are forgotten beyond. */
const MAX_ENTRIES = 1000

/** Remembers which events have been told lately. */
export class RecentEvents {
  readonly #now: () => number
  /** When each was told, oldest first. */
  readonly #reportedAt = new Map<string, number>()

  /** `now` is in milliseconds that only go forward. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Whether this is news. If so it is remembered, and the same is no news for ten minutes, however often it comes. */
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

  /** It could not be told: the next time it is news. */
  remove(event: ClusterEvent): void {
    this.#reportedAt.delete(keyOf(event))
  }
}

/** The uid is part of it: a Service that was deleted and made anew has its own events. */
function keyOf({ regarding: { kind, namespace, name, uid }, reason, note }: ClusterEvent): string {
  return JSON.stringify([kind, namespace, name, uid, reason, note])
}
