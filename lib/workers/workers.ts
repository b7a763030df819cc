import { type Budgets, type TrafficCounts, type WorkerCounts } from '../dataplane/data-plane.js'
import { type Shortage } from '../dataplane/limits/shortage-watch.js'
import { type Clock } from '../model/clock.js'
import { ProxyFailure } from '../model/failure.js'
import { type HealthProblem } from '../model/health-problem.js'
import { type Log } from '../model/log.js'
import { type ProfileRequest, type RawProfile } from '../model/profile.js'
import { type ServicePortKey } from '../model/service-port.js'
import { type ProcessProblem } from '../primitives/process-liveness.js'
import { withTimeout } from '../primitives/with-timeout.js'
import { type WorkerId } from './assign-listeners.js'
import { CounterAggregate } from './counter-aggregate.js'
import { WorkerLink } from './worker-link.js'
import { type WorkerSettings } from './worker-messages.js'
import { type InheritedSocket, WorkerProcess } from './worker-process.js'

/** How long to wait for workers that are starting, in milliseconds. */
const START_TIMEOUT_MS = 10_000
/** How long a scrape waits for the counts of a worker before it uses the last ones. In milliseconds. */
const COUNTS_TIMEOUT_MS = 1000
/** How long a worker may take to make a profile, besides the time that the profile is about. In milliseconds. */
const PROFILE_TIMEOUT_MS = 10_000
/** How long a worker may take to exit after the time of its drain. In milliseconds. */
const DRAIN_GRACE_MS = 2000

/** The parts and settings of `Workers`. */
export interface WorkersOptions {
  readonly count: number
  readonly settings: WorkerSettings
  readonly clock: Clock
  readonly log: Log
  /** Called for each new process: the sockets that it inherits. */
  readonly inheritedSockets: (worker: WorkerId) => readonly InheritedSocket[]
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

interface Slot {
  readonly id: WorkerId
  readonly process: WorkerProcess
  /** The link to the current process; undefined while none is ready. */
  link: WorkerLink | undefined
}

/** A fixed number of worker processes: starts and replaces them, adds up their counts, and drains them. */
export class Workers {
  readonly #clock: Clock
  readonly #slots: readonly Slot[]
  readonly #counters = new CounterAggregate()
  readonly #onChange: () => void
  /** Called when a worker becomes ready or exits. */
  readonly #waiters = new Set<() => void>()
  #verbosity: number
  #isReplacing = false
  #isDraining = false

  constructor({ count, settings, clock, log, inheritedSockets, onChange, onShortage }: WorkersOptions) {
    this.#clock = clock
    this.#onChange = onChange
    this.#verbosity = settings.verbosity
    this.#slots = Array.from({ length: count }, (_, id) => {
      const slot: Slot = {
        id,
        link: undefined,
        process: new WorkerProcess({
          settings,
          clock,
          log,
          inheritedSockets: () => inheritedSockets(id),
          onReady: inherited => {
            slot.link = new WorkerLink((command, handle) => slot.process.send(command, handle), inherited)
            if (this.#verbosity !== settings.verbosity) slot.link.setVerbosity(this.#verbosity)
            this.#notifyChange()
          },
          onEnd: () => {
            slot.link?.processEnded()
            slot.link = undefined
            this.#counters.removeWorker(id)
            this.#notifyChange()
          },
          onMessage: message => {
            if (message.kind === 'shortage') onShortage(message.shortage)
            else slot.link?.handle(message)
          },
        }),
      }
      return slot
    })
  }

  /** The workers that are ready. */
  get running(): readonly RunningWorker[] {
    return this.#slots.flatMap(({ id, link }) => (link === undefined ? [] : [{ id, link }]))
  }

  /** The workers among which listeners will be shared when this worker has started; includes this worker. */
  getSharingWorkers(worker: WorkerId): readonly WorkerId[] {
    return this.#slots
      .filter(({ id, link }) => this.#isReplacing || id === worker || link !== undefined)
      .map(({ id }) => id)
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
      needsRestart: this.#slots.every(({ process, link }) => link === undefined || process.problem === 'silent'),
    }
  }

  /** Resolves when all are ready, or after `ms` milliseconds. */
  waitForAll(ms: number): Promise<void> {
    return this.#waitUntil(() => this.#isDraining || this.running.length === this.#slots.length, ms)
  }

  /** Resolves when one worker is ready, or at the timeout. */
  waitForAny(): Promise<void> {
    return this.#waitUntil(() => this.running.length > 0, START_TIMEOUT_MS)
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
    await this.#waitUntil(() => replaced.every(({ link }) => link === undefined), START_TIMEOUT_MS)
    await this.#waitUntil(() => replaced.every(({ link }) => link !== undefined), START_TIMEOUT_MS)
    this.#isReplacing = false
  }

  /** Drains all workers until they exit; returns how many connections were closed at the timeout. */
  async drain(timeoutMs: number): Promise<number> {
    let cutOff = 0
    this.#isDraining = true
    for (const { process, link } of this.#slots) {
      process.disableRestart()
      if (link === undefined) process.kill()
      else void link.drain(timeoutMs).then(count => (cutOff += count))
    }
    await this.#waitUntil(() => this.running.length === 0, timeoutMs + DRAIN_GRACE_MS)
    for (const { process } of this.#slots) process.kill()
    return cutOff
  }

  /** Changes the level up to which all workers log, also later ones. */
  setVerbosity(level: number): void {
    this.#verbosity = level
    for (const { link } of this.running) link.setVerbosity(level)
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

  /** The numbers of all workers. */
  get ids(): readonly WorkerId[] {
    return this.#slots.map(({ id }) => id)
  }

  /** Asks a worker for a profile. Rejects if the worker does not run or does not reply in time. */
  async takeProfile(worker: WorkerId, request: ProfileRequest): Promise<RawProfile> {
    const reply = this.#slots.find(({ id }) => id === worker)?.link?.requestProfile(request)
    const durationMs = request.kind === 'cpu' ? request.durationMs : 0
    const profile = await withTimeout<RawProfile | undefined>(Promise.resolve(reply), {
      clock: this.#clock,
      ms: durationMs + PROFILE_TIMEOUT_MS,
      onTimeout: () => undefined,
    })
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

  #notifyChange(): void {
    for (const check of this.#waiters) check()
    if (!this.#isReplacing) this.#onChange()
  }

  /** Resolves when the condition holds, or after `ms` milliseconds. Checks it whenever a worker becomes ready or exits. */
  #waitUntil(condition: () => boolean, ms: number): Promise<void> {
    if (condition()) return Promise.resolve()
    return new Promise(resolve => {
      const finish = (): void => {
        cancel()
        this.#waiters.delete(check)
        resolve()
      }
      const check = (): void => {
        if (condition()) finish()
      }
      const cancel = this.#clock.after(ms, finish)
      this.#waiters.add(check)
    })
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
