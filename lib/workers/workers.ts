import {
  type Budgets,
  type DrainReport,
  type LiveSettings,
  type TrafficCounts,
  type WorkerCounts,
} from '../dataplane/data-plane.js'
import { ageRows } from '../dataplane/age-rows.js'
import { type InspectRequest, type Inspection } from '../dataplane/inspect-request.js'
import { type Shortage } from '../dataplane/limits/shortage-watch.js'
import { type Clock } from '../model/clock.js'
import { ProxyFailure } from '../model/failure.js'
import { type HealthProblem } from '../model/health-problem.js'
import { type Log } from '../model/log.js'
import { type ProfileRequest, type RawProfile } from '../model/profile.js'
import { type ServicePortKey } from '../model/service-port.js'
import { ConditionWaits } from '../primitives/condition-waits.js'
import { type ProcessProblem } from '../primitives/process-liveness.js'
import { withTimeout } from '../primitives/with-timeout.js'
import { type WorkerId } from './assign-listeners.js'
import { CounterAggregate } from './counter-aggregate.js'
import { type WorkerLink } from './worker-link.js'
import { type WorkerSettings } from './worker-messages.js'
import { type InheritedSocket } from './worker-process.js'
import { WorkerSlot } from './worker-slot.js'

/** How long to wait for workers that are starting, in milliseconds. */
const START_TIMEOUT_MS = 10_000
/** How long a scrape waits for the counts of a worker before it uses the last ones. In milliseconds. */
const COUNTS_TIMEOUT_MS = 1000
/** How long a worker may take to exit after the time of its drain, and to end after it was killed. In milliseconds. */
const DRAIN_GRACE_MS = 2000

/** The parts and settings of `Workers`. */
export interface WorkersOptions {
  readonly count: number
  readonly settings: WorkerSettings
  /** See `WorkerProcessOptions`. */
  readonly startedThrough?: readonly string[] | undefined
  readonly clock: Clock
  readonly log: Log
  /**
   * Called for each new process: the sockets that it inherits.
   * @param sharing the workers among which listeners will be shared when this one has started
   */
  readonly inheritedSockets: (worker: WorkerId, sharing: readonly WorkerId[]) => readonly InheritedSocket[]
  /** A worker is ready or has exited. */
  readonly onChange: () => void
  /** Something is short in a worker. */
  readonly onShortage: (shortage: Shortage) => void
}

/** A worker that takes commands. */
export interface RunningWorker {
  readonly id: WorkerId
  readonly link: WorkerLink
}

/** A fixed number of worker processes: starts and replaces them, adds up their counts, and drains them. */
export class Workers {
  readonly #clock: Clock
  readonly #slots: WorkerSlot[] = []
  readonly #counters = new CounterAggregate()
  readonly #onChange: () => void
  /** Rechecked whenever a worker becomes ready or exits. */
  readonly #waits: ConditionWaits
  #isReplacing = false
  #isDraining = false

  constructor({ count, settings, startedThrough, clock, log, inheritedSockets, onChange, onShortage }: WorkersOptions) {
    this.#clock = clock
    this.#waits = new ConditionWaits(clock)
    this.#onChange = onChange
    for (let id = 0; id < count; id++) {
      const slot = new WorkerSlot({
        id,
        settings,
        startedThrough,
        clock,
        log,
        inheritedSockets: () => inheritedSockets(id, this.#getSharingWorkers(id)),
        onReady: () => this.#notifyChange(),
        onEnd: () => {
          this.#counters.removeWorker(id)
          this.#notifyChange()
        },
        onShortage,
      })
      this.#slots.push(slot)
    }
  }

  /** The workers that are ready. */
  get running(): readonly RunningWorker[] {
    return this.#slots.flatMap(({ id, link }) => (link === undefined ? [] : [{ id, link }]))
  }

  /** Process ids of the running workers. */
  get pids(): readonly number[] {
    return this.#slots.flatMap(({ process }) => process.pid ?? [])
  }

  /** What keeps workers from serving; undefined: they serve, or will in a moment. */
  get problem(): HealthProblem | undefined {
    const problems = this.#slots.flatMap(({ process }) => process.problem ?? [])
    if (problems.length === 0) return undefined
    return {
      text: `${problems.length} of ${this.#slots.length} data-plane workers do not serve: ${describe(problems)}`,
      // While one worker serves, a restart would cut its connections.
      needsRestart: !this.#slots.some(({ isServing }) => isServing),
    }
  }

  /** Resolves when all are ready, or after `ms` milliseconds. */
  waitForAll(ms: number): Promise<void> {
    return this.#waits.until(() => this.#isDraining || this.running.length === this.#slots.length, ms)
  }

  /** Resolves when one worker is ready, or at the timeout. */
  waitForAny(): Promise<void> {
    return this.#waits.until(() => this.running.length > 0, START_TIMEOUT_MS)
  }

  /**
   * Replaces the workers that have no plan yet by processes that inherit their sockets. Resolves when all are ready. Reports no
   * change until then, because the first one would get all listeners.
   */
  async replaceNew(): Promise<void> {
    const replaced = this.#slots.filter(({ link }) => link?.isNew === true)
    if (replaced.length === 0) return
    this.#isReplacing = true
    for (const { process } of replaced) process.replace()
    await this.#waits.until(() => replaced.every(({ link }) => link === undefined), START_TIMEOUT_MS)
    await this.#waits.until(() => replaced.every(({ link }) => link !== undefined), START_TIMEOUT_MS)
    this.#isReplacing = false
  }

  /** Drains all workers until they exit. Those that do not, or that hang, are killed. */
  async drain(timeoutMs: number): Promise<DrainReport> {
    this.#isDraining = true
    let cutOff = 0
    const draining = new Set<WorkerId>()
    for (const { id, process, link } of this.#slots) {
      process.disableRestart()
      if (link === undefined) process.kill()
      else {
        draining.add(id)
        void link.drain(timeoutMs).then(count => {
          if (count === undefined) return
          draining.delete(id)
          cutOff += count
        })
      }
    }
    // A worker that is not ready yet has its sockets too, until its process has ended.
    const isOver = (): boolean => this.pids.length === 0
    await this.#waits.until(isOver, timeoutMs + DRAIN_GRACE_MS)
    for (const { process } of this.#slots) process.kill()
    // Its sockets are closed when it has ended.
    await this.#waits.until(isOver, DRAIN_GRACE_MS)
    return { cutOff, lostWorkers: draining.size }
  }

  /** Changes the settings of all workers, also of later ones. */
  changeSettings(settings: LiveSettings): void {
    for (const slot of this.#slots) slot.changeSettings(settings)
  }

  /** Asks all workers for their counts. For a worker that does not reply in time the last counts are used. */
  async collectCounts(): Promise<{
    readonly traffic: ReadonlyMap<ServicePortKey, Readonly<TrafficCounts>>
    readonly budgets: Budgets
    readonly workers: WorkerCounts
  }> {
    const requests = this.running.map(async ({ id, link }) => {
      const counts = await link.requestCounts()
      if (counts !== undefined) this.#counters.update(id, counts)
    })
    await withTimeout<unknown>(Promise.all(requests), {
      clock: this.#clock,
      ms: COUNTS_TIMEOUT_MS,
      onTimeout: () => undefined,
    })
    return {
      traffic: this.#counters.getTraffic(),
      budgets: this.#counters.getBudgets(),
      workers: {
        running: this.running.length,
        restarts: this.#slots.reduce((total, { process }) => total + process.restarts, 0),
        processes: this.#slots.flatMap(({ id, process: { pid } }) => (pid === undefined ? [] : [{ worker: id, pid }])),
      },
    }
  }

  /** Asks all workers for rows. */
  async inspect(request: InspectRequest): Promise<Inspection> {
    const asked = this.#slots.map(async slot => ({ worker: slot.id, reply: await slot.inspect(request) }))
    const replies = await Promise.all(asked)
    const now = this.#clock.now()
    return {
      processes: replies.flatMap(({ worker, reply }) =>
        reply === undefined ? [] : [{ worker, pid: reply.pid, rows: ageRows(reply.parts, now) }],
      ),
      missing: replies.flatMap(({ worker, reply }) => (reply === undefined ? [worker] : [])),
    }
  }

  /** The numbers of all workers. */
  get ids(): readonly WorkerId[] {
    return this.#slots.map(({ id }) => id)
  }

  /** Asks a worker for a profile. Rejects if the worker does not run or does not reply in time. */
  async takeProfile(worker: WorkerId, request: ProfileRequest): Promise<RawProfile> {
    const profile = await this.#slots[worker]?.takeProfile(request)
    if (profile === undefined)
      throw new ProxyFailure('WORKER_FAILED', `Data-plane worker ${worker} has made no profile`, {
        hint: 'See the log lines of the worker',
      })
    return profile
  }

  /** Removes the counts of listeners that no longer exist. */
  retainListeners(has: (key: ServicePortKey) => boolean): void {
    this.#counters.retainListeners(has)
  }

  #getSharingWorkers(worker: WorkerId): readonly WorkerId[] {
    return this.#slots
      .filter(({ id, link }) => this.#isReplacing || id === worker || link !== undefined)
      .map(({ id }) => id)
  }

  #notifyChange(): void {
    this.#waits.recheck()
    if (!this.#isReplacing) this.#onChange()
  }
}

const DESCRIPTIONS: Readonly<Record<ProcessProblem, string>> = {
  silent: 'no reply to pings',
  'not-starting': 'not ready in time',
  'keeps-exiting': 'exits again and again, or cannot start',
}

function describe(problems: readonly ProcessProblem[]): string {
  return [...new Set(problems)]
    .map(problem => DESCRIPTIONS[problem])
    .sort()
    .join(', ')
}
