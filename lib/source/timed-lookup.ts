import { type LookupFunction } from 'node:net'
import { lookup } from 'node:dns'
import { type Clock } from '../model/clock.js'

/** Takes notice of lookups of names. */
export interface LookupObserver {
  /** A name was looked up, or could not be. @param host the name, without a port */
  lookedUp(host: string, durationMs: number): void
}

/** Looks names up as Node.js does by itself (with the system's resolver), and reports how long it took. */
export function timedLookup(observer: LookupObserver, clock: Pick<Clock, 'now'>): LookupFunction {
  return (host, options, callback) => {
    const startedAt = clock.now()
    lookup(host, options, (error, address, family) => {
      observer.lookedUp(host, clock.now() - startedAt)
      callback(error, address, family)
    })
  }
}
