import {
  type DataPlane,
  type DataPlaneCounts,
  type ListenerReport,
  listenerCounts,
  noTraffic,
} from '../dataplane/data-plane.js'
import { type ListenerPlan } from '../dataplane/listener-plan.js'
import { portUnavailable } from '../dataplane/port-unavailable.js'
import { type Clock } from '../model/clock.js'
import { ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ServicePortKey } from '../model/service-port.js'
import { descriptorLimit } from '../system/descriptor-limit.js'
import { NOTHING_ASSIGNED, type WorkerId, assignListeners } from './assign-listeners.js'
import { canBindHandles } from './bound-handle.js'
import { KeptPorts, type ListenerPorts, ReportedPorts } from './listener-ports.js'
import { type Holding, type WorkerLink, type WorkerReport } from './worker-link.js'
import { type ListenFailure, type WorkerSettings } from './worker-messages.js'
import { type InheritedSocket } from './worker-process.js'
import { Workers } from './workers.js'

/** How long a plan waits for a worker that owes its report, in milliseconds. */
const PATIENCE_MS = 5000
/** How long the first plan waits for all workers, so that listeners are spread over all of them. */
const START_MS = 3000
/** From this number of sockets on a new process, which inherits them, is there before they would all have been sent. */
const MANY_SOCKETS = 300
/** Descriptors that a process has besides those that it was born with. */
const OTHER_DESCRIPTORS = 64

export interface WorkerPoolOptions {
  /** How many processes; at least one. */
  readonly workers: number
  readonly settings: Omit<WorkerSettings, 'handedSockets'>
  readonly clock: Clock
  readonly log: Log
  /** Whether sockets are bound here and handed to workers; left out: where this Node.js can. */
  readonly handsSockets?: boolean
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
  readonly #workers: Workers
  readonly #ports: ListenerPorts
  readonly #mayShare: boolean
  #plan: ListenerPlan = new Map()
  #assignment = NOTHING_ASSIGNED
  readonly #failed = new Map<ServicePortKey, ProxyFailure>()
  /** How many have failed since the start. */
  #failures = 0
  /** The last plan to be carried out; each waits for the one before. */
  #applying: Promise<unknown> = Promise.resolve()
  #counting: Promise<DataPlaneCounts> | undefined
  #isDraining = false
  readonly #descriptorLimit = descriptorLimit()
  readonly #allStarted: Promise<unknown>

  constructor(options: WorkerPoolOptions) {
    const { workers, settings, clock, log, handsSockets = canBindHandles() } = options
    this.#options = options
    this.#mayShare = handsSockets
    this.#ports = handsSockets ? new KeptPorts() : new ReportedPorts()
    this.#workers = new Workers({
      count: workers,
      settings: { ...settings, handedSockets: handsSockets },
      clock,
      log,
      inheritance: id => this.#inheritance(id),
      onChange: () => {
        if (!this.#isDraining) void this.#tellAll()
      },
    })
    this.#allStarted = this.#workers.allReady(START_MS)
    log.info(0, 'Data plane in worker processes', { workers, handsSockets })
  }

  /** Ids of the workers that run, for whoever wants to see them. */
  get pids(): readonly number[] {
    return this.#workers.pids
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

  drain(timeoutMs: number): Promise<number> {
    this.#isDraining = true
    this.#ports.close()
    return this.#workers.drain(timeoutMs)
  }

  async #apply(plan: ListenerPlan): Promise<ListenerReport> {
    await this.#allStarted
    if (!this.#isDraining) await this.#workers.someReady()
    if (this.#isDraining) return { open: new Map(), failed: new Map() }
    this.#plan = plan
    this.#failed.clear()
    this.#workers.forgetAllBut(key => plan.has(key))
    // Endpoints first, and what has to be closed before something else can be opened.
    this.#ports.release(plan)
    await this.#tellAll()
    if ([...plan.values()].some(spec => this.#ports.canTell(spec) !== 'now')) await this.#open(plan)
    if (this.#workers.running.length === 0) this.#failAll()
    return this.#report()
  }

  async #open(plan: ListenerPlan): Promise<void> {
    for (const [key, failure] of this.#ports.open(plan)) this.#failed.set(key, failure)
    const sockets = [...plan.keys()].filter(key => this.#ports.handle(key) !== undefined)
    if (sockets.length >= MANY_SOCKETS) await this.#workers.renewNew()
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

  /** What a worker is to be born with: the sockets of all that it would hold now. */
  #inheritance(worker: WorkerId): readonly InheritedSocket[] {
    // At the start nobody knows yet what it will be.
    if (this.#plan.size === 0) return []
    const ids = this.#workers.withStarting(worker)
    const { holders } = assignListeners(this.#plan, ids, this.#mayShare, this.#assignment)
    const sockets = [...this.#plan.keys()].flatMap(key => {
      const handle = this.#ports.handle(key)
      return handle !== undefined && holders.get(key)?.includes(worker) === true ? [{ key, handle }] : []
    })
    // For a moment at its birth a process has each of them twice.
    return 2 * sockets.length + OTHER_DESCRIPTORS <= this.#descriptorLimit ? sockets : []
  }

  /** Tells every worker what is new for it; resolves when all have carried it out, or have been waited for long enough. */
  async #tellAll(): Promise<void> {
    const failures = this.#failures
    const { running } = this.#workers
    const ids = running.map(({ id }) => id)
    this.#assignment = assignListeners(this.#plan, ids, this.#mayShare, this.#assignment)
    const waited = running.flatMap(({ id, link }) => {
      const { isLate } = link
      const report = link.tell(this.#plan.keys(), key => this.#holding(id, key))
      const learnt = report?.then(told => told !== undefined && this.#learn(told))
      // Somebody has waited for that one already.
      return learnt === undefined || isLate ? [] : [this.#patiently(link, learnt)]
    })
    if (waited.length === 0) return
    await Promise.all(waited)
    // What one worker could not open no other one is to hold either.
    if (failures < this.#failures) await this.#tellAll()
  }

  #patiently(link: WorkerLink, report: Promise<unknown>): Promise<void> {
    const { clock, log } = this.#options
    return new Promise<void>(resolve => {
      const callOff = clock.after(PATIENCE_MS, () => {
        link.isLate = true
        log.warn('A data-plane worker has not carried out its plan yet', { seconds: PATIENCE_MS / 1000 })
        resolve()
      })
      void report.then(() => {
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
    const { traffic, budgets, workers } = await this.#workers.counts()
    const listeners = [...this.#plan.values()].map(spec => listenerCounts(spec, traffic.get(spec.key) ?? noTraffic()))
    return { listeners, ...budgets, workers }
  }
}

function causeOf({ message, systemCode }: ListenFailure): Error {
  return Object.assign(new Error(message), systemCode === undefined ? {} : { code: systemCode })
}
