import { type ProxyFailure } from '../model/failure.js'
import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { type ServicePortKey } from '../model/service-port.js'
import {
  type Budgets,
  type DataPlane,
  type DataPlaneCounts,
  type DrainReport,
  type ListenerCounts,
  type ListenerReport,
  buildListenerCounts,
  portUnavailable,
} from './data-plane.js'
import { collectRows } from './collect-rows.js'
import { createListenerContext } from './create-listener-context.js'
import { type DataPlaneTimings } from './data-plane-timings.js'
import { DrainingListeners } from './draining-listeners.js'
import { shouldKeepPort } from './should-keep-port.js'
import { type InspectRequest, type InspectStep, type Inspection } from './inspect-request.js'
import { inspectionSteps } from './inspection-steps.js'
import { ShortageLog } from './limits/shortage-log.js'
import { type Shortage } from './limits/shortage-watch.js'
import { type Listener } from './listener.js'
import { type BoundSockets, type ListenerContext, countBudgets } from './listener-context.js'
import { type ListenerPlan, type ListenerSpec } from './listener-plan.js'
import { type NodeResources, UNLIMITED_NODE } from './node-resources.js'
import { Sweeps } from './sweeps.js'
import { TcpProxy } from './tcp/tcp-proxy.js'
import { type TcpTransport } from './transport/tcp-transport.js'
import { type UdpTransport } from './transport/udp-transport.js'
import { UdpProxy } from './udp/udp-proxy.js'

interface ListenerEntry {
  spec: ListenerSpec
  listener: Listener
  /** Undefined until the listener has opened for the first time. */
  port: number | undefined
  /** While the listener opens its socket, for the first time or again; resolves with the failure, if any. */
  opening: Promise<ProxyFailure | undefined> | undefined
}

/** What a data plane in this process is made of. */
export interface InProcessOptions {
  readonly log: Log
  readonly clock: Clock
  /** Returns a number from 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number
  /** The process's limit of open files (RLIMIT_NOFILE). */
  readonly descriptorLimit: number
  /** Absent: nothing of the node limits this process before the kernel refuses something. */
  readonly node?: NodeResources
  /** Called when something has become short. Absent: the log gets one line a minute. */
  readonly onShortage?: (shortage: Shortage) => void
  readonly timings: DataPlaneTimings
  readonly transport: TcpTransport
  readonly udpTransport: UdpTransport
  /** Where listeners get their sockets from. Absent: they bind them themselves. */
  readonly boundSockets?: BoundSockets
}

/** The data plane in this process: one Listener for each spec of the plan. */
export class InProcessDataPlane implements DataPlane {
  /** The process that asks is the one that serves. */
  readonly problem = undefined
  readonly #context: ListenerContext
  readonly #entries = new Map<ServicePortKey, ListenerEntry>()
  readonly #drainingListeners: DrainingListeners
  readonly #sweeps: Sweeps
  /** Listeners of the last plan that could not be opened. */
  #unserved = 0
  #isDraining = false
  /** How often a drain was begun, and the result of the last one, which replaces those before. */
  #drains = 0
  #lastDrain: Promise<DrainReport> | undefined

  constructor({
    log,
    clock,
    random,
    descriptorLimit,
    node = UNLIMITED_NODE,
    onShortage,
    timings,
    transport,
    udpTransport,
    boundSockets,
  }: InProcessOptions) {
    const drainingListeners = new DrainingListeners(clock)
    this.#drainingListeners = drainingListeners
    const onConnectionEnd = (): void => drainingListeners.notifyConnectionEnd()
    const given = { log, clock, random, transport, udpTransport, timings, boundSockets, onConnectionEnd }
    this.#context = createListenerContext(given, descriptorLimit, node)
    const shortageLog = new ShortageLog(log, clock)
    this.#sweeps = new Sweeps({
      context: this.#context,
      drainingListeners,
      node,
      isLimitedByMemory: this.#context.descriptorBudget.limit < descriptorLimit,
      onShortage: onShortage ?? (shortage => shortageLog.report(shortage)),
    })
  }

  async apply(plan: ListenerPlan): Promise<ListenerReport> {
    if (this.#isDraining) return { open: new Map(), failed: new Map() }
    for (const [key, entry] of this.#entries) {
      const spec = plan.get(key)
      if (spec === undefined || spec.address !== entry.spec.address) this.#drainListener(key, entry)
    }
    const { serviceLimits, tcpShares, udpShares } = this.#context
    serviceLimits.apply(plan, this.#allListeners())
    const services = new Set(Array.from(this.#allListeners(), ({ service }) => service))
    for (const shares of [tcpShares, udpShares]) shares.retain(services)
    const opening: Promise<unknown>[] = []
    const failed = new Map<ServicePortKey, ProxyFailure>()
    for (const [key, spec] of plan) {
      let entry = this.#entries.get(key)
      if (entry === undefined) {
        entry = this.#openListener(spec)
        this.#entries.set(key, entry)
      } else if (entry.spec !== spec) {
        entry.spec = spec
        const reopened = entry.listener.update(spec)
        if (reopened !== undefined) entry.opening = this.#finishOpening(entry, reopened)
      }
      const pending = entry.opening?.then(failure => failure !== undefined && failed.set(key, failure))
      if (pending !== undefined) opening.push(pending)
    }
    await Promise.all(opening)
    this.#unserved = failed.size
    const open = new Map<ServicePortKey, number>()
    for (const key of plan.keys()) {
      const port = this.#entries.get(key)?.port
      if (port !== undefined) open.set(key, port)
    }
    return { open, failed }
  }

  reserveDescriptors(descriptors: number): void {
    this.#context.descriptorBudget.reserve(descriptors)
  }

  counts(): DataPlaneCounts {
    return { listeners: [...this.iterateListenerCounts()], unserved: this.#unserved, ...this.budgets() }
  }

  /** Counts one listener after the other, so that the caller can let traffic pass in between. */
  *iterateListenerCounts(): Generator<ListenerCounts> {
    for (const { spec, listener } of this.#entries.values()) yield buildListenerCounts(spec, listener.counts())
  }

  /** How much of the process-wide budgets is in use. */
  budgets(): Budgets {
    return countBudgets(this.#context)
  }

  async inspect(request: InspectRequest): Promise<Inspection> {
    const rows = await collectRows(this.inspectionSteps(request), this.#context.clock)
    return { processes: [{ worker: undefined, pid: process.pid, rows }], missing: [] }
  }

  /** See `inspectionSteps`. */
  inspectionSteps(request: InspectRequest): Iterable<InspectStep> {
    return inspectionSteps(request, this.#context, this.#entries, this.#drainingListeners)
  }

  drain(timeoutMs: number): Promise<DrainReport> {
    return (this.#lastDrain = this.#drain(timeoutMs, ++this.#drains))
  }

  async #drain(timeoutMs: number, drain: number): Promise<DrainReport> {
    this.#isDraining = true
    for (const [key, entry] of this.#entries) this.#drainListener(key, entry)
    await this.#drainingListeners.waitUntilIdle(timeoutMs)
    if (drain !== this.#drains) return this.#lastDrain!
    this.#sweeps.stop()
    return { cutOff: this.#drainingListeners.abortConnections(), lostWorkers: 0 }
  }

  *#allListeners(): Generator<Listener> {
    for (const { listener } of this.#entries.values()) yield listener
    yield* this.#drainingListeners
  }

  #openListener(spec: ListenerSpec): ListenerEntry {
    const entry: ListenerEntry = { spec, listener: this.#createListener(spec), port: undefined, opening: undefined }
    entry.opening = this.#finishOpening(entry, this.#openOnFreePort(entry))
    return entry
  }

  #createListener(spec: ListenerSpec): Listener {
    return spec.protocol === 'TCP' ? new TcpProxy(spec, this.#context) : new UdpProxy(spec, this.#context)
  }

  /** Opens a listener on a port that no other listener owns; see `isPortOwned`. */
  async #openOnFreePort(entry: ListenerEntry): Promise<void> {
    // A process that binds the sockets for this one has chosen free ports itself.
    const isReserved = this.#context.boundSockets !== undefined
    for (let attempt = 1; ; attempt++) {
      const port = await entry.listener.open()
      if (isReserved || shouldKeepPort(this.#entries, entry.spec, port, attempt)) {
        entry.port = port
        return
      }
      entry.listener.close()
      entry.listener = this.#createListener(entry.spec)
    }
  }

  /** Resolves with the failure, if any. The entry is then removed, so that the next plan opens the listener again. */
  async #finishOpening(entry: ListenerEntry, opened: Promise<void>): Promise<ProxyFailure | undefined> {
    const { spec, port = spec.port } = entry
    try {
      await opened
      // The listener has left the plan while it was opening.
      if (this.#entries.get(spec.key) !== entry) entry.listener.close()
      return undefined
    } catch (cause) {
      if (this.#entries.get(spec.key) === entry) this.#drainListener(spec.key, entry)
      return portUnavailable({ ...spec, port }, cause)
    } finally {
      entry.opening = undefined
    }
  }

  #drainListener(key: ServicePortKey, entry: ListenerEntry): void {
    this.#entries.delete(key)
    entry.listener.close()
    this.#drainingListeners.add(entry.listener)
  }
}
