import { type IpFamily } from '../model/address.js'
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
  /** The last successful sync of any family. */
  readonly lastUpdated: number
  readonly families: ReadonlyMap<IpFamily, FamilyHealth>
}

/** Settings of a `ProxierHealth`. */
export interface ProxierHealthOptions {
  /** The families that are served; each is reported from the start. */
  readonly families: readonly IpFamily[]
  /** A change that waits this long makes its family unhealthy: kube-proxy takes twice the sync period. */
  readonly timeoutMs: number
  /** Counts as the first update, for want of an earlier one; milliseconds since 1970. */
  readonly startedAt: number
}

interface FamilyState {
  lastUpdated: number
  oldestQueued: number | undefined
}

/**
 * Whether the rules keep up with the changes (kube-proxy 1.36): a family is unhealthy while a change has waited too long
 * for a successful sync, and healthy otherwise, also while there was nothing to sync yet.
 *
 * The *oldest* waiting change counts. With the newest one, a steady stream of changes would hide a sync that is stuck.
 * A successful sync settles everything queued before `synced`; whoever knows of changes that came in meanwhile calls
 * `queued` again.
 */
export class ProxierHealth implements Pick<SyncObserver, 'queued' | 'synced'> {
  readonly #timeoutMs: number
  readonly #startedAt: number
  readonly #families = new Map<IpFamily, FamilyState>()

  constructor({ families, timeoutMs, startedAt }: ProxierHealthOptions) {
    this.#timeoutMs = timeoutMs
    this.#startedAt = startedAt
    for (const family of families) this.#state(family)
  }

  queued(family: IpFamily, at: number): void {
    this.#state(family).oldestQueued ??= at
  }

  synced(family: IpFamily, at: number): void {
    const state = this.#state(family)
    state.lastUpdated = at
    state.oldestQueued = undefined
  }

  statusAt(now: number): HealthStatus {
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
