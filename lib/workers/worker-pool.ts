import {
  type DataPlane,
  type DataPlaneCounts,
  type DrainReport,
  type ListenerReport,
  type LiveSettings,
  type WorkerProfiles,
  buildListenerCounts,
  zeroTrafficCounts,
} from '../dataplane/data-plane.js'
import { type InspectRequest, type Inspection } from '../dataplane/inspect-request.js'
import { ShortageLog } from '../dataplane/limits/shortage-log.js'
import { type ListenerPlan } from '../dataplane/listener-plan.js'
import { type Clock } from '../model/clock.js'
import { ProxyFailure } from '../model/failure.js'
import { type HealthProblem } from '../model/health-problem.js'
import { type Log } from '../model/log.js'
import { aborted } from '../primitives/aborted.js'
import { SerialQueue } from '../primitives/serial-queue.js'
import { withTimeout } from '../primitives/with-timeout.js'
import { readDescriptorLimit } from '../system/process-usage.js'
import { type WorkerId } from './assign-listeners.js'
import { canBindHandles } from './bound-handle.js'
import { BoundPorts, type ListenerPorts, WorkerBoundPorts } from './listener-ports.js'
import { type WorkerLink } from './worker-link.js'
import { WorkerListeners } from './worker-listeners.js'
import { type WorkerSettings } from './worker-messages.js'
import { type InheritedSocket } from './worker-process.js'
import { Workers } from './workers.js'

/** How long a plan waits for the report of a worker, in milliseconds. */
const REPORT_TIMEOUT_MS = 5000
/** How long the first plan waits for all workers, so that all of them get listeners. In milliseconds. */
const START_TIMEOUT_MS = 3000
/** From this many sockets on, starting a process that inherits them is faster than sending them. */
const MIN_SOCKETS_TO_INHERIT = 300
/** Descriptors that a process has besides the inherited ones. */
const OTHER_DESCRIPTORS = 64

/** The parts and settings of a `WorkerPool`. */
export interface WorkerPoolOptions {
  /** How many processes; at least one. */
  readonly workers: number
  readonly settings: Omit<WorkerSettings, 'workers' | 'passedSockets'>
  /** See `WorkerProcessOptions`. Not used if workers bind their sockets themselves, which may need a right for ports below 1024. */
  readonly startedThrough?: readonly string[]
  readonly clock: Clock
  readonly log: Log
  /** Whether this process binds sockets and passes them to workers; absent: if this Node.js can do that. */
  readonly passesSockets?: boolean
}

/**
 * The data plane in worker processes. No connection waits while this process is busy, for example with a long list from the API
 * server or with a scrape.
 *
 *     plan ──▶ ports (bound here, with a copy of each) ──▶ assignment ──▶ each worker: its differences
 *
 * A new worker gets the whole plan. The listeners of a worker that has exited go to other workers, or wait for the next one.
 */
export class WorkerPool implements DataPlane {
  readonly #options: WorkerPoolOptions
  readonly #workers: Workers
  readonly #ports: ListenerPorts
  readonly #listeners: WorkerListeners
  /** Applies one plan after the other. */
  readonly #plans = new SerialQueue()
  #counting: Promise<DataPlaneCounts> | undefined
  #isDraining = false
  /** Aborted when no plan may wait for a worker any more. */
  readonly #noWaits = new AbortController()
  readonly #descriptorLimit = readDescriptorLimit()
  readonly #started: Promise<unknown>
  readonly workerProfiles: WorkerProfiles

  constructor(options: WorkerPoolOptions) {
    const { workers, settings, startedThrough, clock, log, passesSockets = canBindHandles() } = options
    this.#options = options
    this.#ports = passesSockets ? new BoundPorts(this.#descriptorLimit) : new WorkerBoundPorts()
    this.#listeners = new WorkerListeners(this.#ports, passesSockets)
    const shortageLog = new ShortageLog(log, clock)
    this.#workers = new Workers({
      count: workers,
      settings: { ...settings, workers, passedSockets: passesSockets },
      startedThrough: passesSockets ? startedThrough : undefined,
      clock,
      log,
      inheritedSockets: (id, sharing) => this.#inheritedSockets(id, sharing),
      onChange: () => {
        if (!this.#isDraining) void this.#updateWorkers()
      },
      onShortage: shortage => shortageLog.report(shortage),
    })
    this.workerProfiles = {
      workers: this.#workers.ids,
      take: (worker, request) => this.#workers.takeProfile(worker, request),
    }
    this.#started = this.#workers.waitForAll(START_TIMEOUT_MS)
    log.info(0, 'The data plane runs in worker processes', { workers, passesSockets })
  }

  /** Process ids of the running workers. */
  get pids(): readonly number[] {
    return this.#workers.pids
  }

  get problem(): HealthProblem | undefined {
    return this.#isDraining ? undefined : this.#workers.problem
  }

  apply(plan: ListenerPlan): Promise<ListenerReport> {
    return this.#plans.run(() => this.#apply(plan))
  }

  reserveDescriptors(descriptors: number): void {
    this.#ports.reserveDescriptors(descriptors)
  }

  changeSettings({ verbosity, drainTimeout }: LiveSettings): void {
    this.#workers.changeSettings({ verbosity, drainTimeout })
  }

  endWaits(): void {
    this.#noWaits.abort()
  }

  counts(): Promise<DataPlaneCounts> {
    this.#counting ??= this.#collectCounts().finally(() => (this.#counting = undefined))
    return this.#counting
  }

  inspect(request: InspectRequest): Promise<Inspection> {
    return this.#workers.inspect(request)
  }

  drain(timeoutMs: number): Promise<DrainReport> {
    this.#isDraining = true
    this.#ports.close()
    return this.#workers.drain(timeoutMs)
  }

  async #apply(plan: ListenerPlan): Promise<ListenerReport> {
    await Promise.race([this.#untilWorkersRun(), aborted(this.#noWaits.signal)])
    if (this.#isDraining) return { open: new Map(), failed: new Map() }
    this.#workers.retainListeners(key => plan.has(key))
    this.#listeners.setPlan(plan)
    // First new endpoints, and the sockets that must be closed before others can be opened.
    await this.#updateWorkers()
    if (this.#listeners.open()) {
      if (this.#listeners.countSockets() >= MIN_SOCKETS_TO_INHERIT) await this.#workers.replaceNew()
      await this.#updateWorkers()
    }
    this.#requireWorker()
    return this.#listeners.buildReport()
  }

  async #untilWorkersRun(): Promise<void> {
    await this.#started
    if (!this.#isDraining) await this.#workers.waitForAny()
  }

  /** The sockets that a new process of a worker inherits: those of all listeners that it would hold now. */
  #inheritedSockets(worker: WorkerId, sharing: readonly WorkerId[]): readonly InheritedSocket[] {
    const sockets = this.#listeners.getSockets(worker, sharing)
    // For a moment after the fork, a process has each socket twice.
    return 2 * sockets.length + OTHER_DESCRIPTORS <= this.#descriptorLimit ? sockets : []
  }

  /** Sends each worker its differences; resolves when all have applied them, or at the timeout. */
  async #updateWorkers(): Promise<void> {
    const { failureCount } = this.#listeners
    const { running } = this.#workers
    this.#listeners.assign(running.map(({ id }) => id))
    const pending = running.flatMap(({ id, link }) => {
      const { isOverdue } = link
      const report = link.sendPlan(this.#listeners.plan.keys(), key => this.#listeners.getDesired(id, key))
      const applied = report?.then(received => received !== undefined && this.#listeners.applyReport(received))
      // An earlier plan has already waited for this worker.
      return applied === undefined || isOverdue ? [] : [this.#waitForReport(link, applied)]
    })
    if (pending.length === 0) return
    await Promise.all(pending)
    // No worker may hold a listener that one of them could not open.
    if (failureCount < this.#listeners.failureCount) await this.#updateWorkers()
  }

  #waitForReport(link: WorkerLink, report: Promise<unknown>): Promise<unknown> {
    const { clock, log } = this.#options
    const onTimeout = (): void => {
      link.isOverdue = true
      log.warn('A data-plane worker has not applied its plan yet', { seconds: REPORT_TIMEOUT_MS / 1000 })
    }
    return withTimeout<unknown>(report, { clock, ms: REPORT_TIMEOUT_MS, onTimeout })
  }

  /**
   * A report that every listener has failed would take the rules of all Services away. Without a worker, the sockets that are bound
   * keep their clients for the next one, and rules that lead to them must stay.
   * @throws ProxyFailure WORKER_FAILED
   */
  #requireWorker(): void {
    if (this.#isDraining || this.#workers.running.length > 0) return
    throw new ProxyFailure('WORKER_FAILED', 'No data-plane worker is running', {
      hint: 'See the earlier log lines of the workers; --data-plane-workers=0 runs without workers',
    })
  }

  async #collectCounts(): Promise<DataPlaneCounts> {
    const { traffic, budgets, workers } = await this.#workers.collectCounts()
    const listeners = [...this.#listeners.plan.values()].map(spec =>
      buildListenerCounts(spec, traffic.get(spec.key) ?? zeroTrafficCounts()),
    )
    return { listeners, unserved: this.#listeners.unserved, ...budgets, workers }
  }
}
