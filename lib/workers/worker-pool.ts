import {
  type DataPlane,
  type DataPlaneCounts,
  type ListenerReport,
  listenerCounts,
  noTraffic,
} from '../dataplane/data-plane.js'
import { type ListenerPlan, type ListenerSpec } from '../dataplane/listener-plan.js'
import { portUnavailable } from '../dataplane/port-unavailable.js'
import { type Clock } from '../model/clock.js'
import { ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ServicePortKey } from '../model/service-port.js'
import { descriptorLimit } from '../system/descriptor-limit.js'
import { NOTHING_ASSIGNED, type WorkerId, assignListeners } from './assign-listeners.js'
import { canBindHandles } from './bound-handle.js'
import { CountsLedger } from './counts-ledger.js'
import { KeptPorts, type ListenerPorts, ReportedPorts } from './listener-ports.js'
import { type Holding, WorkerLink, type WorkerReport } from './worker-link.js'
import { type ListenFailure, type WorkerSettings } from './worker-messages.js'
import { type InheritedSocket, WorkerProcess } from './worker-process.js'

/** How long a plan waits for a worker that is being started, or owes its report, in milliseconds. */
const PATIENCE_MS = 10_000
/** How long the first plan waits for all workers, so that listeners are spread over all of them. */
const START_MS = 3000
/** How long a scrape waits for a worker's counts before it takes the last ones. */
const COUNTS_MS = 1000
/** From this number of sockets on a new process, which inherits them, is there before they would all have been sent. */
const MANY_SOCKETS = 300
/** Descriptors that a process has besides those that it was born with. */
const OTHER_DESCRIPTORS = 64
/** How much longer than its connections a worker may take to end in a drain. */
const DRAIN_GRACE_MS = 2000

export interface WorkerPoolOptions {
  /** How many processes; at least one. */
  readonly workers: number
  readonly settings: Omit<WorkerSettings, 'handedSockets'>
  readonly clock: Clock
  readonly log: Log
  /** Whether sockets are bound here and handed to workers; left out: where this Node.js can. */
  readonly handsSockets?: boolean
}

interface Worker {
  readonly id: WorkerId
  readonly process: WorkerProcess
  /** With the process that runs now; undefined while none does. */
  link: WorkerLink | undefined
}

/**
 * The data plane in worker processes: whatever keeps this process busy, a long list from the API server or a scrape, no
 * connection waits for it.
 *
 *     plan ──▶ ports (bound here, a copy kept) ──▶ assignment ──▶ each worker: what is different for it
 *
 * A worker that starts anew is told everything; what a worker that has ended held is given to others or waits for the next.
 */
export class WorkerPool implements DataPlane {
  readonly #options: WorkerPoolOptions
  readonly #workers: readonly Worker[]
  readonly #ports: ListenerPorts
  readonly #mayShare: boolean
  readonly #ledger = new CountsLedger()
  #plan: ListenerPlan = new Map()
  #assignment = NOTHING_ASSIGNED
  readonly #failed = new Map<ServicePortKey, ProxyFailure>()
  /** How many have failed since the start. */
  #failures = 0
  /** The last plan to be carried out; each waits for the one before. */
  #applying: Promise<unknown> = Promise.resolve()
  #counting: Promise<DataPlaneCounts> | undefined
  #isDraining = false
  /** All workers are to have their listeners at the same time, not the first one all of them. */
  #isRenewing = false
  readonly #descriptorLimit = descriptorLimit()
  /** Called whenever a worker is ready or has ended. */
  readonly #onWorker = new Set<() => void>()
  readonly #allStarted: Promise<unknown>

  constructor(options: WorkerPoolOptions) {
    const { workers, settings, clock, log, handsSockets = canBindHandles() } = options
    this.#options = options
    this.#mayShare = handsSockets
    this.#ports = handsSockets ? new KeptPorts() : new ReportedPorts()
    const start = (id: WorkerId): Worker => {
      const worker: Worker = {
        id,
        link: undefined,
        process: new WorkerProcess({
          settings: { ...settings, handedSockets: handsSockets },
          clock,
          log,
          inheritance: () => this.#inheritance(id),
          onReady: inherited => this.#begin(worker, inherited),
          onEnd: () => this.#end(worker),
          onAnswer: answer => worker.link?.receive(answer),
        }),
      }
      return worker
    }
    this.#workers = Array.from({ length: workers }, (_, id) => start(id))
    this.#allStarted = this.#until(() => this.#running.length === workers, START_MS)
    log.info(0, 'Data plane in worker processes', { workers, handsSockets })
  }

  /** Ids of the workers that run, for whoever wants to see them. */
  get pids(): readonly number[] {
    return this.#workers.flatMap(({ process }) => process.pid ?? [])
  }

  apply(plan: ListenerPlan): Promise<ListenerReport> {
    const applied = this.#applying.then(() => this.#apply(plan))
    this.#applying = applied.catch(() => undefined)
    return applied
  }

  /** Descriptors of this process are not those of the workers. */
  reserve(): void {}

  counts(): Promise<DataPlaneCounts> {
    this.#counting ??= this.#count().finally(() => (this.#counting = undefined))
    return this.#counting
  }

  async drain(timeoutMs: number): Promise<number> {
    this.#isDraining = true
    this.#ports.close()
    let cutOff = 0
    for (const { process, link } of this.#workers) {
      process.retire()
      if (link === undefined) process.kill()
      else void link.drain(timeoutMs).then(count => (cutOff += count))
    }
    await this.#until(() => this.#running.length === 0, timeoutMs + DRAIN_GRACE_MS)
    for (const { process } of this.#workers) process.kill()
    return cutOff
  }

  async #apply(plan: ListenerPlan): Promise<ListenerReport> {
    await this.#allStarted
    if (!this.#isDraining) await this.#until(() => this.#running.length > 0, PATIENCE_MS)
    if (this.#isDraining) return { open: new Map(), failed: new Map() }
    this.#plan = plan
    this.#failed.clear()
    this.#ledger.forgetAllBut(key => plan.has(key))
    // Endpoints first, and what has to be closed before something else can be opened.
    this.#ports.release(plan)
    await this.#tellAll()
    if ([...plan.values()].some(spec => this.#ports.canTell(spec) !== 'now')) await this.#open(plan)
    if (this.#running.length === 0) this.#failAll()
    return this.#report()
  }

  async #open(plan: ListenerPlan): Promise<void> {
    for (const [key, failure] of this.#ports.open(plan)) this.#failed.set(key, failure)
    await this.#renewNewWorkers()
    await this.#tellAll()
  }

  #report(): ListenerReport {
    const open = new Map<ServicePortKey, number>()
    for (const key of this.#plan.keys()) {
      const port = this.#ports.port(key)
      if (port !== undefined && !this.#failed.has(key)) open.set(key, port)
    }
    return { open, failed: new Map(this.#failed) }
  }

  get #running(): readonly Worker[] {
    return this.#workers.filter(({ link }) => link !== undefined)
  }

  /** What a worker is to be born with: the sockets of all that it would hold now. */
  #inheritance(worker: WorkerId): readonly InheritedSocket[] {
    // At the start nobody knows yet what it will be.
    if (this.#plan.size === 0) return []
    const there = this.#workers.filter(({ id, link }) => this.#isRenewing || id === worker || link !== undefined)
    const ids = there.map(({ id }) => id)
    const { holders } = assignListeners(this.#plan, ids, this.#mayShare, this.#assignment)
    const sockets = [...this.#plan.keys()].flatMap(key => {
      const handle = this.#ports.handle(key)
      return handle !== undefined && holders.get(key)?.includes(worker) === true ? [{ key, handle }] : []
    })
    // For a moment at its birth a process has each of them twice.
    return 2 * sockets.length + OTHER_DESCRIPTORS <= this.#descriptorLimit ? sockets : []
  }

  /** Workers that have been told nothing yet are had anew, when that is quicker than to send them their sockets. */
  async #renewNewWorkers(): Promise<void> {
    const many = [...this.#plan.keys()].filter(key => this.#ports.handle(key) !== undefined).length >= MANY_SOCKETS
    const renewed = this.#running.filter(({ link }) => many && link!.isNew)
    if (renewed.length === 0) return
    this.#isRenewing = true
    for (const { process } of renewed) process.renew()
    await this.#until(() => renewed.every(({ link }) => link === undefined), PATIENCE_MS)
    await this.#until(() => renewed.every(({ link }) => link !== undefined), PATIENCE_MS)
    this.#isRenewing = false
  }

  #begin(worker: Worker, inherited: readonly InheritedSocket[]): void {
    worker.link = new WorkerLink((order, handle) => worker.process.send(order, handle), inherited)
    this.#workersChanged()
  }

  #end(worker: Worker): void {
    worker.link?.end()
    worker.link = undefined
    this.#ledger.ended(worker.id)
    this.#workersChanged()
  }

  #workersChanged(): void {
    for (const look of this.#onWorker) look()
    if (!this.#isDraining && !this.#isRenewing) void this.#tellAll()
  }

  /** Tells every worker what is new for it; resolves when all have carried it out, or have been waited for long enough. */
  async #tellAll(): Promise<void> {
    const failures = this.#failures
    const running = this.#running
    const ids = running.map(({ id }) => id)
    this.#assignment = assignListeners(this.#plan, ids, this.#mayShare, this.#assignment)
    const reports = running.flatMap(worker => {
      const report = worker.link!.tell(this.#plan.keys(), key => this.#holding(worker.id, key))
      return report === undefined ? [] : [report.then(told => told !== undefined && this.#learn(told))]
    })
    if (reports.length === 0) return
    await this.#patiently(Promise.all(reports))
    // What one worker could not open no other one is to hold either.
    if (failures < this.#failures) await this.#tellAll()
  }

  async #patiently(reports: Promise<unknown>): Promise<void> {
    const { clock, log } = this.#options
    await new Promise<void>(resolve => {
      const callOff = clock.after(PATIENCE_MS, () => {
        log.warn('A data-plane worker has not carried out its plan yet', { seconds: PATIENCE_MS / 1000 })
        resolve()
      })
      void reports.then(() => {
        callOff()
        resolve()
      })
    })
  }

  #holding(worker: WorkerId, key: ServicePortKey): Holding | 'keep' | undefined {
    const spec = this.#plan.get(key)!
    if (this.#failed.has(key) || this.#assignment.holders.get(key)?.includes(worker) !== true) return undefined
    switch (this.#ports.canTell(spec)) {
      case 'never':
        return undefined
      case 'later':
        return 'keep'
      case 'now':
        return { spec, port: this.#ports.port(key) ?? spec.port, handle: this.#ports.handle(key) }
    }
  }

  #learn({ opened, failed }: WorkerReport): void {
    for (const [key, port] of opened) {
      const spec = this.#plan.get(key)
      const failure = spec === undefined ? undefined : this.#ports.opened(spec, port)
      if (failure !== undefined) this.#fail(key, failure)
    }
    for (const failure of failed) {
      const spec = this.#plan.get(failure.key)
      if (spec === undefined) continue
      const port = this.#ports.port(failure.key) ?? spec.port
      this.#fail(failure.key, portUnavailable({ ...spec, port }, causeOf(failure)))
    }
  }

  /** Nobody holds it until the next plan asks for it again. */
  #fail(key: ServicePortKey, failure: ProxyFailure): void {
    this.#failures++
    this.#failed.set(key, failure)
    this.#ports.forget(key)
  }

  #failAll(): void {
    const failure = new ProxyFailure('WORKER_FAILED', 'No data-plane worker runs', {
      hint: 'See what was logged of them before; with --data-plane-workers=0 there are none',
    })
    for (const key of this.#plan.keys()) if (!this.#failed.has(key)) this.#failed.set(key, failure)
  }

  async #count(): Promise<DataPlaneCounts> {
    const { clock } = this.#options
    const asked = this.#running.map(async ({ id, link }) => {
      const counts = await link!.count()
      if (counts !== undefined) this.#ledger.heard(id, counts)
    })
    let callOff: () => void = () => undefined
    await Promise.race([Promise.all(asked), new Promise<void>(resolve => (callOff = clock.after(COUNTS_MS, resolve)))])
    callOff()
    const traffic = this.#ledger.traffic()
    return {
      listeners: [...this.#plan.values()].map(spec => this.#countsOf(spec, traffic)),
      descriptors: this.#ledger.descriptors(),
      workers: {
        running: this.#running.length,
        restarts: this.#workers.reduce((total, { process }) => total + process.restarts, 0),
      },
    }
  }

  #countsOf(spec: ListenerSpec, traffic: ReturnType<CountsLedger['traffic']>) {
    return listenerCounts(spec, traffic.get(spec.key) ?? noTraffic())
  }

  /** Resolves when it is so, or after `ms` milliseconds. Looked at whenever a worker comes or goes. */
  #until(isSo: () => boolean, ms: number): Promise<void> {
    if (isSo()) return Promise.resolve()
    return new Promise(resolve => {
      const finish = (): void => {
        callOff()
        this.#onWorker.delete(look)
        resolve()
      }
      const look = (): void => {
        if (isSo()) finish()
      }
      const callOff = this.#options.clock.after(ms, finish)
      this.#onWorker.add(look)
    })
  }
}

function causeOf({ message, systemCode }: ListenFailure): Error {
  return Object.assign(new Error(message), systemCode === undefined ? {} : { code: systemCode })
}
