import { type IpFamily } from '../model/address.js'
import { type Clock } from '../model/clock.js'
import { type SyncObserver } from './sync-observer.js'

/** Health of one family's rules. Times are milliseconds since 1970. */
export interface FamilyHealth {
  readonly healthy: boolean
  readonly lastUpdated: number
}

/** Health of the proxier at one moment. Times are milliseconds since 1970. */
export interface HealthStatus {
  /** Every family is healthy. */
  readonly healthy: boolean
  /** When the last sync of any family succeeded. */
  readonly lastUpdated: number
  readonly families: ReadonlyMap<IpFamily, FamilyHealth>
}

/** Settings of a `ProxierHealth`. */
export interface ProxierHealthOptions {
  /** The families that the proxy serves. Each is reported from the start. */
  readonly families: readonly IpFamily[]
  /** A change that waits this long makes its family unhealthy: kube-proxy takes twice the sync period. */
  readonly timeoutMs: number
  /** Used as the time of the first update until there is one; milliseconds since 1970. */
  readonly startedAt: number
  /** Measures how long changes wait. A time since 1970 cannot: it jumps when the clock of the node is set. */
  readonly clock: Pick<Clock, 'now'>
}

interface FamilyState {
  lastUpdated: number
  /** By the monotonic clock. */
  oldestQueued: number | undefined
}

/**
 * Tracks whether the rules keep up with the changes (kube-proxy 1.36). A family is unhealthy while a change has waited too long
 * for a successful sync. Otherwise it is healthy, even before the first change.
 *
 * The *oldest* waiting change decides. With the newest one, a steady stream of changes would hide a sync that is stuck. A call
 * of `synced` ends the wait of all earlier changes; for changes that arrived during the sync the caller calls `queued` again.
 */
export class ProxierHealth implements Pick<SyncObserver, 'queued' | 'synced'> {
  readonly #timeoutMs: number
  readonly #startedAt: number
  readonly #clock: Pick<Clock, 'now'>
  readonly #families = new Map<IpFamily, FamilyState>()

  constructor({ families, timeoutMs, startedAt, clock }: ProxierHealthOptions) {
    this.#timeoutMs = timeoutMs
    this.#startedAt = startedAt
    this.#clock = clock
    for (const family of families) this.#state(family)
  }

  queued(family: IpFamily): void {
    this.#state(family).oldestQueued ??= this.#clock.now()
  }

  synced(family: IpFamily, at: number): void {
    const state = this.#state(family)
    state.lastUpdated = at
    state.oldestQueued = undefined
  }

  /** The health at this moment. */
  get status(): HealthStatus {
    const now = this.#clock.now()
    const families = new Map<IpFamily, FamilyHealth>()
    for (const [family, { lastUpdated, oldestQueued }] of this.#families) {
      families.set(family, { lastUpdated, healthy: oldestQueued === undefined || now - oldestQueued < this.#timeoutMs })
    }
    const all = [...families.values()]
    return {
      healthy: all.every(family => family.healthy),
      lastUpdated: Math.max(this.#startedAt, ...all.map(family => family.lastUpdated)),
      families,
    }
  }

  #state(family: IpFamily): FamilyState {
    let state = this.#families.get(family)
    if (state === undefined) {
      state = { lastUpdated: this.#startedAt, oldestQueued: undefined }
      this.#families.set(family, state)
    }
    return state
  }
}
