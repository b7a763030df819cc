import { type Budgets, type TrafficCounts, type WorkerCounts } from '../dataplane/data-plane.js'
import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { type ServicePortKey } from '../model/service-port.js'
import { type WorkerId } from './assign-listeners.js'
import { CounterAggregate } from './counter-aggregate.js'
import { WorkerLink } from './worker-link.js'
import { type WorkerSettings } from './worker-messages.js'
import { type InheritedSocket, WorkerProcess } from './worker-process.js'

/** How long somebody waits for workers that are being started, in milliseconds. */
const START_TIMEOUT_MS = 10_000
/** How long a scrape waits for a worker's counts before it takes the last ones. */
const COUNTS_TIMEOUT_MS = 1000
/** How much longer than its connections a worker may take to end in a drain. */
const DRAIN_GRACE_MS = 2000

export interface WorkersOptions {
  readonly count: number
  readonly settings: WorkerSettings
  readonly clock: Clock
  readonly log: Log
  /** Asked whenever a process is started: what it is to be born with. */
  readonly inheritedSockets: (worker: WorkerId) => readonly InheritedSocket[]
  /** Some worker is ready or has ended. */
  readonly onChange: () => void
}

/** A worker that takes orders. */
export interface RunningWorker {
  readonly id: WorkerId
  readonly link: WorkerLink
}

interface Slot {
  readonly id: WorkerId
  readonly process: WorkerProcess
  /** With the process that runs now; undefined while none is ready. */
  link: WorkerLink | undefined
}

/** The worker processes: so many of them, always, with what they have counted and how they end. */
export class Workers {
  readonly #clock: Clock
  readonly #slots: readonly Slot[]
  readonly #counters = new CounterAggregate()
  readonly #onChange: () => void
  /** Those who wait for a worker to come or go. */
  readonly #waiters = new Set<() => void>()
  #isReplacing = false

  constructor({ count, settings, clock, log, inheritedSockets, onChange }: WorkersOptions) {
    this.#clock = clock
    this.#onChange = onChange
    this.#slots = Array.from({ length: count }, (_, id) => {
      const place: Slot = {
        id,
        link: undefined,
        process: new WorkerProcess({
          settings,
          clock,
          log,
          inheritedSockets: () => inheritedSockets(id),
          onReady: inherited => {
            place.link = new WorkerLink((order, handle) => place.process.send(order, handle), inherited)
            this.#notifyChange()
          },
          onEnd: () => {
            place.link?.processEnded()
            place.link = undefined
            this.#counters.removeWorker(id)
            this.#notifyChange()
          },
          onMessage: answer => place.link?.handle(answer),
        }),
      }
      return place
    })
  }

  get running(): readonly RunningWorker[] {
    return this.#slots.flatMap(({ id, link }) => (link === undefined ? [] : [{ id, link }]))
  }

  /** Those that a worker that is being started shares its work with, itself among them. */
  getSharingWorkers(worker: WorkerId): readonly WorkerId[] {
    return this.#slots
      .filter(({ id, link }) => this.#isReplacing || id === worker || link !== undefined)
      .map(({ id }) => id)
  }

  /** Process ids, for whoever wants to see them. */
  get pids(): readonly number[] {
    return this.#slots.flatMap(({ process }) => process.pid ?? [])
  }

  /** Resolves when all are ready, or after `ms` milliseconds. */
  waitForAll(ms: number): Promise<void> {
    return this.#waitUntil(() => this.running.length === this.#slots.length, ms)
  }

  /** Resolves when some worker is ready, or when none could be started in good time. */
  waitForAny(): Promise<void> {
    return this.#waitUntil(() => this.running.length > 0, START_TIMEOUT_MS)
  }

  /**
   * Replaces workers that have been told nothing yet by others, which are born with their sockets. Resolves when those are ready;
   * nobody is told of a change until then, lest the first one gets all there is to do.
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

  /** Has all of them drain and end; returns how many connections were cut off. */
  async drain(timeoutMs: number): Promise<number> {
    let cutOff = 0
    for (const { process, link } of this.#slots) {
      process.disableRestart()
      if (link === undefined) process.kill()
      else void link.drain(timeoutMs).then(count => (cutOff += count))
    }
    await this.#waitUntil(() => this.running.length === 0, timeoutMs + DRAIN_GRACE_MS)
    for (const { process } of this.#slots) process.kill()
    return cutOff
  }

  /** Asks all of them for what they have counted. Of one that does not answer soon the last word counts. */
  async collectCounts(): Promise<{
    readonly traffic: ReadonlyMap<ServicePortKey, Readonly<TrafficCounts>>
    readonly budgets: Budgets
    readonly workers: WorkerCounts
  }> {
    const requests = this.running.map(async ({ id, link }) => {
      const counts = await link.requestCounts()
      if (counts !== undefined) this.#counters.update(id, counts)
    })
    let cancel: () => void = () => undefined
    await Promise.race([
      Promise.all(requests),
      new Promise<void>(resolve => (cancel = this.#clock.after(COUNTS_TIMEOUT_MS, resolve))),
    ])
    cancel()
    return {
      traffic: this.#counters.getTraffic(),
      budgets: this.#counters.getBudgets(),
      workers: {
        running: this.running.length,
        restarts: this.#slots.reduce((total, { process }) => total + process.restarts, 0),
      },
    }
  }

  /** Forgets what was counted of listeners that are not there any more. */
  retainListeners(has: (key: ServicePortKey) => boolean): void {
    this.#counters.retainListeners(has)
  }

  #notifyChange(): void {
    for (const check of this.#waiters) check()
    if (!this.#isReplacing) this.#onChange()
  }

  /** Resolves when it is so, or after `ms` milliseconds. Looked at whenever a worker comes or goes. */
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
