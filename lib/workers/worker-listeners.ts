import { type ListenerReport, portUnavailable } from '../dataplane/data-plane.js'
import { type ListenerPlan, type ListenerSpec } from '../dataplane/listener-plan.js'
import { type ProxyFailure } from '../model/failure.js'
import { type ServicePortKey } from '../model/service-port.js'
import { NOTHING_ASSIGNED, type WorkerId, assignListeners } from './assign-listeners.js'
import { type ListenerPorts } from './listener-ports.js'
import { type DesiredListener, type WorkerReport } from './worker-link.js'
import { type ListenFailure } from './worker-messages.js'
import { type InheritedSocket } from './worker-process.js'

/**
 * Which worker should hold which listener of the plan, with what port and socket, and which listeners could not be opened.
 *
 *     plan ──▶ ports ──▶ assignment ──▶ what each worker should hold ──▶ its report ──▶ failures
 */
export class WorkerListeners {
  readonly #ports: ListenerPorts
  readonly #mayShare: boolean
  #plan: ListenerPlan = new Map()
  #assignment = NOTHING_ASSIGNED
  readonly #failed = new Map<ServicePortKey, ProxyFailure>()
  #failureCount = 0

  /** @param mayShare false: each listener has one worker */
  constructor(ports: ListenerPorts, mayShare: boolean) {
    this.#ports = ports
    this.#mayShare = mayShare
  }

  /** The last plan. */
  get plan(): ListenerPlan {
    return this.#plan
  }

  /** How many listeners of the last plan could not be opened. */
  get unserved(): number {
    return this.#failed.size
  }

  /** How many listeners have failed since the start. */
  get failureCount(): number {
    return this.#failureCount
  }

  /** Takes the next plan. It may open again what failed before. Closes the sockets that it does not need. */
  setPlan(plan: ListenerPlan): void {
    this.#plan = plan
    this.#failed.clear()
    this.#ports.releaseUnused(plan)
  }

  /** Opens the sockets that are missing. Call it after workers have closed the released sockets. @returns whether any was missing */
  open(): boolean {
    if ([...this.#plan.values()].every(spec => this.#ports.getState(spec) === 'ready')) return false
    for (const [key, failure] of this.#ports.open(this.#plan)) this.#failed.set(key, failure)
    return true
  }

  /** How many listeners have a socket that workers can inherit. */
  countSockets(): number {
    return [...this.#plan.keys()].filter(key => this.#ports.getHandle(key) !== undefined).length
  }

  /** Assigns the listeners to the workers that run now. */
  assign(running: readonly WorkerId[]): void {
    this.#assignment = assignListeners(this.#plan, running, this.#mayShare, this.#assignment)
  }

  /** A listener as a worker should hold it: see `WorkerLink.sendPlan`. */
  getDesired(worker: WorkerId, key: ServicePortKey): DesiredListener | 'unchanged' | undefined {
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

  /**
   * The sockets of all listeners that a worker would hold now.
   * @param running the workers that would share the listeners
   */
  getSockets(worker: WorkerId, running: readonly WorkerId[]): InheritedSocket[] {
    const { holders } = assignListeners(this.#plan, running, this.#mayShare, this.#assignment)
    return [...this.#plan.keys()].flatMap(key => {
      const handle = this.#ports.getHandle(key)
      return handle !== undefined && holders.get(key)?.includes(worker) === true ? [{ key, handle }] : []
    })
  }

  /** Takes the report of a worker. No worker holds a listener that failed, until the next plan contains it again. */
  applyReport({ opened, failed }: WorkerReport): void {
    for (const [key, port] of opened) {
      const spec = this.#plan.get(key)
      const failure = spec === undefined ? undefined : this.#ports.recordOpened(spec, port)
      if (failure !== undefined) this.#markFailed(key, failure)
    }
    for (const failure of failed) {
      const spec = this.#plan.get(failure.key)
      if (spec !== undefined) this.#markFailed(spec.key, this.#describeFailure(spec, failure))
    }
  }

  /** Which listeners of the plan are open, and which have failed. */
  buildReport(): ListenerReport {
    const open = new Map<ServicePortKey, number>()
    for (const key of this.#plan.keys()) {
      const port = this.#ports.getPort(key)
      if (port !== undefined && !this.#failed.has(key)) open.set(key, port)
    }
    return { open, failed: new Map(this.#failed) }
  }

  #describeFailure(spec: ListenerSpec, { message, systemCode }: ListenFailure): ProxyFailure {
    const cause = Object.assign(new Error(message), systemCode === undefined ? {} : { code: systemCode })
    return portUnavailable({ ...spec, port: this.#ports.getPort(spec.key) ?? spec.port }, cause)
  }

  #markFailed(key: ServicePortKey, failure: ProxyFailure): void {
    this.#failureCount++
    this.#failed.set(key, failure)
    this.#ports.remove(key)
  }
}
