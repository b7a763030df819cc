import {
  type DataPlane,
  type DataPlaneCounts,
  type ListenerReport,
  buildListenerCounts,
  zeroTrafficCounts,
} from '../dataplane/data-plane.js'
import { type ListenerPlan } from '../dataplane/listener-plan.js'
import { portUnavailable } from '../dataplane/port-unavailable.js'
import { type Clock } from '../model/clock.js'
import { ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ServicePortKey } from '../model/service-port.js'
import { readDescriptorLimit } from '../system/descriptor-limit.js'
import { NOTHING_ASSIGNED, type WorkerId, assignListeners } from './assign-listeners.js'
import { canBindHandles } from './bound-handle.js'
import { BoundPorts, type ListenerPorts, WorkerBoundPorts } from './listener-ports.js'
import { type DesiredListener, type WorkerLink, type WorkerReport } from './worker-link.js'
import { type ListenFailure, type WorkerSettings } from './worker-messages.js'
import { type InheritedSocket } from './worker-process.js'
import { Workers } from './workers.js'

/** How long a plan waits for a worker that owes its report, in milliseconds. */
const REPORT_TIMEOUT_MS = 5000
/** How long the first plan waits for all workers, so that listeners are spread over all of them. */
const START_TIMEOUT_MS = 3000
/** From this number of sockets on a new process, which inherits them, is there before they would all have been sent. */
const MIN_SOCKETS_TO_INHERIT = 300
/** Descriptors that a process has besides those that it was born with. */
const OTHER_DESCRIPTORS = 64

export interface WorkerPoolOptions {
  /** How many processes; at least one. */
  readonly workers: number
  readonly settings: Omit<WorkerSettings, 'passedSockets'>
  readonly clock: Clock
  readonly log: Log
  /** Whether sockets are bound here and handed to workers; left out: where this Node.js can. */
  readonly passesSockets?: boolean
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
  #failureCount = 0
  /** The last plan to be carried out; each waits for the one before. */
  #applying: Promise<unknown> = Promise.resolve()
  #counting: Promise<DataPlaneCounts> | undefined
  #isDraining = false
  readonly #descriptorLimit = readDescriptorLimit()
  readonly #started: Promise<unknown>

  constructor(options: WorkerPoolOptions) {
    const { workers, settings, clock, log, passesSockets = canBindHandles() } = options
    this.#options = options
    this.#mayShare = passesSockets
    this.#ports = passesSockets ? new BoundPorts() : new WorkerBoundPorts()
    this.#workers = new Workers({
      count: workers,
      settings: { ...settings, passedSockets: passesSockets },
      clock,
      log,
      inheritedSockets: id => this.#inheritedSockets(id),
      onChange: () => {
        if (!this.#isDraining) void this.#updateWorkers()
      },
    })
    this.#started = this.#workers.waitForAll(START_TIMEOUT_MS)
    log.info(0, 'Data plane in worker processes', { workers, passesSockets })
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
  reserveDescriptors(): void {}

  counts(): Promise<DataPlaneCounts> {
    this.#counting ??= this.#collectCounts().finally(() => (this.#counting = undefined))
    return this.#counting
  }

  drain(timeoutMs: number): Promise<number> {
    this.#isDraining = true
    this.#ports.close()
    return this.#workers.drain(timeoutMs)
  }

  async #apply(plan: ListenerPlan): Promise<ListenerReport> {
    await this.#started
    if (!this.#isDraining) await this.#workers.waitForAny()
    if (this.#isDraining) return { open: new Map(), failed: new Map() }
    this.#plan = plan
    this.#failed.clear()
    this.#workers.retainListeners(key => plan.has(key))
    // Endpoints first, and what has to be closed before something else can be opened.
    this.#ports.releaseUnused(plan)
    await this.#updateWorkers()
    if ([...plan.values()].some(spec => this.#ports.getState(spec) !== 'ready')) await this.#open(plan)
    if (this.#workers.running.length === 0) this.#markAllFailed()
    return this.#buildReport()
  }

  async #open(plan: ListenerPlan): Promise<void> {
    for (const [key, failure] of this.#ports.open(plan)) this.#failed.set(key, failure)
    const sockets = [...plan.keys()].filter(key => this.#ports.getHandle(key) !== undefined)
    if (sockets.length >= MIN_SOCKETS_TO_INHERIT) await this.#workers.replaceNew()
    await this.#updateWorkers()
  }

  #buildReport(): ListenerReport {
    const open = new Map<ServicePortKey, number>()
    for (const key of this.#plan.keys()) {
      const port = this.#ports.getPort(key)
      if (port !== undefined && !this.#failed.has(key)) open.set(key, port)
    }
    return { open, failed: new Map(this.#failed) }
  }

  /** What a worker is to be born with: the sockets of all that it would hold now. */
  #inheritedSockets(worker: WorkerId): readonly InheritedSocket[] {
    // At the start nobody knows yet what it will be.
    if (this.#plan.size === 0) return []
    const ids = this.#workers.getSharingWorkers(worker)
    const { holders } = assignListeners(this.#plan, ids, this.#mayShare, this.#assignment)
    const sockets = [...this.#plan.keys()].flatMap(key => {
      const handle = this.#ports.getHandle(key)
      return handle !== undefined && holders.get(key)?.includes(worker) === true ? [{ key, handle }] : []
    })
    // For a moment at its birth a process has each of them twice.
    return 2 * sockets.length + OTHER_DESCRIPTORS <= this.#descriptorLimit ? sockets : []
  }

  /** Tells every worker what is new for it; resolves when all have carried it out, or have been waited for long enough. */
  async #updateWorkers(): Promise<void> {
    const failures = this.#failureCount
    const { running } = this.#workers
    const ids = running.map(({ id }) => id)
    this.#assignment = assignListeners(this.#plan, ids, this.#mayShare, this.#assignment)
    const pending = running.flatMap(({ id, link }) => {
      const { isOverdue } = link
      const report = link.sendPlan(this.#plan.keys(), key => this.#desiredListener(id, key))
      const applied = report?.then(received => received !== undefined && this.#applyReport(received))
      // Somebody has waited for that one already.
      return applied === undefined || isOverdue ? [] : [this.#waitForReport(link, applied)]
    })
    if (pending.length === 0) return
    await Promise.all(pending)
    // What one worker could not open no other one is to hold either.
    if (failures < this.#failureCount) await this.#updateWorkers()
  }

  #waitForReport(link: WorkerLink, report: Promise<unknown>): Promise<void> {
    const { clock, log } = this.#options
    return new Promise<void>(resolve => {
      const cancel = clock.after(REPORT_TIMEOUT_MS, () => {
        link.isOverdue = true
        log.warn('A data-plane worker has not carried out its plan yet', { seconds: REPORT_TIMEOUT_MS / 1000 })
        resolve()
      })
      void report.then(() => {
        cancel()
        resolve()
      })
    })
  }

  #desiredListener(worker: WorkerId, key: ServicePortKey): DesiredListener | 'unchanged' | undefined {
    const spec = this.#plan.get(key)!
    if (this.#failed.has(key) || this.#assignment.holders.get(key)?.includes(worker) !== true) return undefined
    switch (this.#ports.getState(spec)) {
      case 'unavailable':
        return undefined
      case 'pending':
        return 'unchanged'
      case 'ready':
        return { spec, port: this.#ports.getPort(key) ?? spec.port, handle: this.#ports.getHandle(key) }
    }
  }

  #applyReport({ opened, failed }: WorkerReport): void {
    for (const [key, port] of opened) {
      const spec = this.#plan.get(key)
      const failure = spec === undefined ? undefined : this.#ports.recordOpened(spec, port)
      if (failure !== undefined) this.#markFailed(key, failure)
    }
    for (const failure of failed) {
      const spec = this.#plan.get(failure.key)
      if (spec === undefined) continue
      const port = this.#ports.getPort(failure.key) ?? spec.port
      this.#markFailed(failure.key, portUnavailable({ ...spec, port }, toError(failure)))
    }
  }

  /** Nobody holds it until the next plan asks for it again. */
  #markFailed(key: ServicePortKey, failure: ProxyFailure): void {
    this.#failureCount++
    this.#failed.set(key, failure)
    this.#ports.remove(key)
  }

  #markAllFailed(): void {
    const failure = new ProxyFailure('WORKER_FAILED', 'No data-plane worker runs', {
      hint: 'See what was logged of them before; with --data-plane-workers=0 there are none',
    })
    for (const key of this.#plan.keys()) if (!this.#failed.has(key)) this.#failed.set(key, failure)
  }

  async #collectCounts(): Promise<DataPlaneCounts> {
    const { traffic, budgets, workers } = await this.#workers.collectCounts()
    const listeners = [...this.#plan.values()].map(spec =>
      buildListenerCounts(spec, traffic.get(spec.key) ?? zeroTrafficCounts()),
    )
    return { listeners, ...budgets, workers }
  }
}

function toError({ message, systemCode }: ListenFailure): Error {
  return Object.assign(new Error(message), systemCode === undefined ? {} : { code: systemCode })
}
