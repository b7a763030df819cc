import { type Budgets, type TrafficCounts, type WorkerCounts } from '../dataplane/data-plane.js'
import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { type ServicePortKey } from '../model/service-port.js'
import { type WorkerId } from './assign-listeners.js'
import { CountsLedger } from './counts-ledger.js'
import { WorkerLink } from './worker-link.js'
import { type WorkerSettings } from './worker-messages.js'
import { type InheritedSocket, WorkerProcess } from './worker-process.js'

/** How long somebody waits for workers that are being started, in milliseconds. */
const START_MS = 10_000
/** How long a scrape waits for a worker's counts before it takes the last ones. */
const COUNTS_MS = 1000
/** How much longer than its connections a worker may take to end in a drain. */
const DRAIN_GRACE_MS = 2000

export interface WorkersOptions {
  readonly count: number
  readonly settings: WorkerSettings
  readonly clock: Clock
  readonly log: Log
  /** Asked whenever a process is started: what it is to be born with. */
  readonly inheritance: (worker: WorkerId) => readonly InheritedSocket[]
  /** Some worker is ready or has ended. */
  readonly onChange: () => void
}

/** A worker that takes orders. */
export interface RunningWorker {
  readonly id: WorkerId
  readonly link: WorkerLink
}

interface Place {
  readonly id: WorkerId
  readonly process: WorkerProcess
  /** With the process that runs now; undefined while none is ready. */
  link: WorkerLink | undefined
}

/** The worker processes: so many of them, always, with what they have counted and how they end. */
export class Workers {
  readonly #clock: Clock
  readonly #places: readonly Place[]
  readonly #ledger = new CountsLedger()
  readonly #onChange: () => void
  /** Those who wait for a worker to come or go. */
  readonly #waiting = new Set<() => void>()
  #isRenewing = false

  constructor({ count, settings, clock, log, inheritance, onChange }: WorkersOptions) {
    this.#clock = clock
    this.#onChange = onChange
    this.#places = Array.from({ length: count }, (_, id) => {
      const place: Place = {
        id,
        link: undefined,
        process: new WorkerProcess({
          settings,
          clock,
          log,
          inheritance: () => inheritance(id),
          onReady: inherited => {
            place.link = new WorkerLink((order, handle) => place.process.send(order, handle), inherited)
            this.#changed()
          },
          onEnd: () => {
            place.link?.end()
            place.link = undefined
            this.#ledger.ended(id)
            this.#changed()
          },
          onAnswer: answer => place.link?.receive(answer),
        }),
      }
      return place
    })
  }

  get running(): readonly RunningWorker[] {
    return this.#places.flatMap(({ id, link }) => (link === undefined ? [] : [{ id, link }]))
  }

  /** Those that a worker that is being started shares its work with, itself among them. */
  withStarting(worker: WorkerId): readonly WorkerId[] {
    return this.#places
      .filter(({ id, link }) => this.#isRenewing || id === worker || link !== undefined)
      .map(({ id }) => id)
  }

  /** Process ids, for whoever wants to see them. */
  get pids(): readonly number[] {
    return this.#places.flatMap(({ process }) => process.pid ?? [])
  }

  /** Resolves when all are ready, or after `ms` milliseconds. */
  allReady(ms: number): Promise<void> {
    return this.#until(() => this.running.length === this.#places.length, ms)
  }

  /** Resolves when some worker is ready, or when none could be started in good time. */
  someReady(): Promise<void> {
    return this.#until(() => this.running.length > 0, START_MS)
  }

  /**
   * Replaces workers that have been told nothing yet by others, which are born with their sockets. Resolves when those are ready;
   * nobody is told of a change until then, lest the first one gets all there is to do.
   */
  async renewNew(): Promise<void> {
    const renewed = this.#places.filter(({ link }) => link?.isNew === true)
    if (renewed.length === 0) return
    this.#isRenewing = true
    for (const { process } of renewed) process.renew()
    await this.#until(() => renewed.every(({ link }) => link === undefined), START_MS)
    await this.#until(() => renewed.every(({ link }) => link !== undefined), START_MS)
    this.#isRenewing = false
  }

  /** Has all of them drain and end; returns how many connections were cut off. */
  async drain(timeoutMs: number): Promise<number> {
    let cutOff = 0
    for (const { process, link } of this.#places) {
      process.retire()
      if (link === undefined) process.kill()
      else void link.drain(timeoutMs).then(count => (cutOff += count))
    }
    await this.#until(() => this.running.length === 0, timeoutMs + DRAIN_GRACE_MS)
    for (const { process } of this.#places) process.kill()
    return cutOff
  }

  /** Asks all of them for what they have counted. Of one that does not answer soon the last word counts. */
  async counts(): Promise<{
    readonly traffic: ReadonlyMap<ServicePortKey, Readonly<TrafficCounts>>
    readonly budgets: Budgets
    readonly workers: WorkerCounts
  }> {
    const asked = this.running.map(async ({ id, link }) => {
      const counts = await link.count()
      if (counts !== undefined) this.#ledger.heard(id, counts)
    })
    let callOff: () => void = () => undefined
    await Promise.race([
      Promise.all(asked),
      new Promise<void>(resolve => (callOff = this.#clock.after(COUNTS_MS, resolve))),
    ])
    callOff()
    return {
      traffic: this.#ledger.traffic(),
      budgets: this.#ledger.budgets(),
      workers: {
        running: this.running.length,
        restarts: this.#places.reduce((total, { process }) => total + process.restarts, 0),
      },
    }
  }

  /** Forgets what was counted of listeners that are not there any more. */
  forgetAllBut(has: (key: ServicePortKey) => boolean): void {
    this.#ledger.forgetAllBut(has)
  }

  #changed(): void {
    for (const look of this.#waiting) look()
    if (!this.#isRenewing) this.#onChange()
  }

  /** Resolves when it is so, or after `ms` milliseconds. Looked at whenever a worker comes or goes. */
  #until(isSo: () => boolean, ms: number): Promise<void> {
    if (isSo()) return Promise.resolve()
    return new Promise(resolve => {
      const finish = (): void => {
        callOff()
        this.#waiting.delete(look)
        resolve()
      }
      const look = (): void => {
        if (isSo()) finish()
      }
      const callOff = this.#clock.after(ms, finish)
      this.#waiting.add(look)
    })
  }
}
