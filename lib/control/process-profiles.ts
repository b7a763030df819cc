import { type WorkerProfiles } from '../dataplane/data-plane.js'
import { type Clock } from '../model/clock.js'
import { type ProfileRequest, type RawProfile } from '../model/profile.js'
import { type ProfileSource } from '../observe/profile-routes.js'
import { pause } from '../primitives/pause.js'
import { type Profiler } from '../system/profiler.js'

/** Profiles of this process and of its data-plane workers. */
export class ProcessProfiles implements ProfileSource {
  readonly #profiler: Promise<Profiler>
  readonly #workers: WorkerProfiles | undefined
  readonly #clock: Clock

  /** Starts to take samples of what this process allocates. */
  constructor(workers: WorkerProfiles | undefined, clock: Clock) {
    // Loaded only if it is wanted, since the inspector costs memory.
    this.#profiler = import('../system/profiler.js').then(({ Profiler }) => Profiler.start())
    this.#profiler.catch(() => undefined)
    this.#workers = workers
    this.#clock = clock
  }

  get workers(): readonly number[] {
    return this.#workers?.workers ?? []
  }

  async take(worker: number | undefined, request: ProfileRequest, abandoned: AbortSignal): Promise<RawProfile> {
    if (worker !== undefined && this.#workers !== undefined) return this.#workers.take(worker, request)
    return (await this.#profiler).take(request, ms => pause(this.#clock, ms, abandoned))
  }
}
