import { type ProxyFailure } from '../model/failure.js'
import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { type ServicePortKey } from '../model/service-port.js'
import {
  type Budgets,
  type DataPlane,
  type DataPlaneCounts,
  type ListenerCounts,
  type ListenerReport,
  listenerCounts,
} from './data-plane.js'
import { DescriptorBudget } from './descriptor-budget.js'
import { DIAL_SCHEDULE } from './dial.js'
import { DialBudget } from './dial-budget.js'
import { DialBurst } from './dial-burst.js'
import { FlowOrder } from './flow-order.js'
import { HalfClosedLimit } from './half-closed-limit.js'
import { type BoundSockets, type DataPlaneTimings, type Listener, type ListenerContext } from './listener.js'
import { type ListenerPlan, type ListenerSpec, isSameDoor } from './listener-plan.js'
import { OwnSockets } from './own-sockets.js'
import { portUnavailable } from './port-unavailable.js'
import { RetiredListeners } from './retired-listeners.js'
import { SendBurst } from './send-burst.js'
import { ServiceLimits } from './service-limits.js'
import { TcpProxy } from './tcp-proxy.js'
import { type TcpTransport } from './tcp-transport.js'
import { UdpProxy } from './udp-proxy.js'
import { type UdpTransport } from './udp-transport.js'

/** Kernel conntrack's own idea of UDP (nf_conntrack_udp_timeout and _stream on current kernels: 30 s and 120–180 s). */
export const DEFAULT_TIMINGS: DataPlaneTimings = {
  dialSchedule: DIAL_SCHEDULE,
  keepAlive: 15_000,
  turnWait: 10_000,
  // As long as kube-proxy has conntrack remember such a connection (nf_conntrack_tcp_timeout_close_wait).
  halfClosed: 3_600_000,
  udpOneWay: 30_000,
  udpAnswered: 180_000,
}
/** UDP flows of all listeners together, as long as descriptors allow half as many again. */
const FLOW_CAPACITY = 16_384

/** How often another port is asked for; the chance to need more than a few is that of many closed listeners at once. */
const PORT_ATTEMPTS = 32

interface Entry {
  spec: ListenerSpec
  listener: Listener
  /** Undefined until it has been opened for the first time. */
  port: number | undefined
  /** Under way: opens the socket, for the first time or again; resolves with what went wrong. */
  opening: Promise<ProxyFailure | undefined> | undefined
}

export interface InProcessOptions {
  readonly log: Log
  readonly clock: Clock
  readonly random: () => number
  /** The process's limit of open files. */
  readonly descriptorLimit: number
  readonly timings: DataPlaneTimings
  /** How TCP is done. */
  readonly transport: TcpTransport
  /** How UDP is done. */
  readonly udpTransport: UdpTransport
  /** Where listeners get their sockets; left out: they bind them themselves. */
  readonly boundSockets?: BoundSockets
}

/** The data plane in this process: one Listener for each spec of the plan. */
export class InProcessDataPlane implements DataPlane {
  readonly #context: ListenerContext
  readonly #entries = new Map<ServicePortKey, Entry>()
  readonly #retired = new RetiredListeners()
  readonly #sweep: NodeJS.Timeout
  #isDraining = false

  constructor({
    log,
    clock,
    random,
    descriptorLimit,
    timings,
    transport,
    udpTransport,
    boundSockets,
  }: InProcessOptions) {
    const flowOrder = new FlowOrder(Math.min(FLOW_CAPACITY, Math.floor(descriptorLimit / 2)))
    const halfClosed = new HalfClosedLimit(timings.halfClosed)
    const descriptors = new DescriptorBudget(descriptorLimit)
    const dials = new DialBudget(descriptors)
    this.#context = {
      log,
      clock,
      random,
      descriptors,
      dials,
      transport,
      udpTransport,
      ownSockets: { tcp: new OwnSockets(), udp: new OwnSockets() },
      halfClosed,
      dialBurst: new DialBurst(),
      flowOrder,
      sendBurst: new SendBurst(),
      limits: new ServiceLimits(),
      timings,
      boundSockets,
      onIdle: () => this.#retired.noteEnd(),
    }
    const shortest = Math.min(timings.udpOneWay, timings.udpAnswered)
    const period = Math.min(1000, Math.max(10, Math.min(shortest, timings.halfClosed) / 4))
    this.#sweep = setInterval(() => {
      halfClosed.look(clock.now())
      dials.look()
      flowOrder.endIdle(clock.now(), shortest)
      this.#retired.forgetIdle()
    }, period).unref()
  }

  async apply(plan: ListenerPlan): Promise<ListenerReport> {
    if (this.#isDraining) return { open: new Map(), failed: new Map() }
    for (const [key, entry] of this.#entries) {
      const spec = plan.get(key)
      if (spec === undefined || spec.address !== entry.spec.address) this.#retire(key, entry)
    }
    this.#context.limits.apply(plan, this.#listeners())
    const opening: Promise<unknown>[] = []
    const failed = new Map<ServicePortKey, ProxyFailure>()
    for (const [key, spec] of plan) {
      let entry = this.#entries.get(key)
      if (entry === undefined) {
        entry = this.#open(spec)
        this.#entries.set(key, entry)
      } else if (entry.spec !== spec) {
        entry.spec = spec
        const again = entry.listener.update(spec)
        if (again !== undefined) entry.opening = this.#whenOpen(entry, again)
      }
      const pending = entry.opening?.then(failure => failure !== undefined && failed.set(key, failure))
      if (pending !== undefined) opening.push(pending)
    }
    await Promise.all(opening)
    const open = new Map<ServicePortKey, number>()
    for (const key of plan.keys()) {
      const port = this.#entries.get(key)?.port
      if (port !== undefined) open.set(key, port)
    }
    return { open, failed }
  }

  reserve(descriptors: number): void {
    this.#context.descriptors.reserve(descriptors)
  }

  counts(): DataPlaneCounts {
    return { listeners: [...this.listenerCounts()], ...this.budgets() }
  }

  /** Counts one listener after the other: for whoever wants to let traffic pass in between. */
  *listenerCounts(): Generator<ListenerCounts> {
    for (const { spec, listener } of this.#entries.values()) yield listenerCounts(spec, listener.counts())
  }

  budgets(): Budgets {
    const { descriptors, dials } = this.#context
    return { descriptors: descriptors.counts(), dials: dials.counts() }
  }

  async drain(timeoutMs: number): Promise<number> {
    this.#isDraining = true
    for (const [key, entry] of this.#entries) this.#retire(key, entry)
    await this.#retired.quiet(timeoutMs)
    clearInterval(this.#sweep)
    return this.#retired.cutOff()
  }

  *#listeners(): Generator<Listener> {
    for (const { listener } of this.#entries.values()) yield listener
    yield* this.#retired
  }

  #open(spec: ListenerSpec): Entry {
    const entry: Entry = { spec, listener: this.#listenerOf(spec), port: undefined, opening: undefined }
    entry.opening = this.#whenOpen(entry, this.#openFree(entry))
    return entry
  }

  #listenerOf(spec: ListenerSpec): Listener {
    return spec.protocol === 'TCP' ? new TcpProxy(spec, this.#context) : new UdpProxy(spec, this.#context)
  }

  /**
   * Opens a listener on a port that no other one calls its own: one without endpoints has its socket closed and its rule in
   * place, and the kernel, asked for any port, may give away that one.
   */
  async #openFree(entry: Entry): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const port = await entry.listener.open()
      // Whoever has bound it for us has seen to that.
      const isFree = this.#context.boundSockets !== undefined || !this.#isAnothers(port, entry)
      if (isFree || attempt === PORT_ATTEMPTS) {
        entry.port = port
        return
      }
      entry.listener.close()
      entry.listener = this.#listenerOf(entry.spec)
    }
  }

  /** A loop, not a list made for each question: with thousands of listeners it is asked thousands of times. */
  #isAnothers(port: number, entry: Entry): boolean {
    for (const other of this.#entries.values())
      if (other.port === port && other !== entry && isSameDoor(other.spec, entry.spec)) return true
    return false
  }

  /** Resolves with what went wrong; the entry is then taken out, so that the next plan opens it anew. */
  async #whenOpen(entry: Entry, opened: Promise<void>): Promise<ProxyFailure | undefined> {
    const { spec, port = spec.port } = entry
    try {
      await opened
      // Taken out of the plan while it was being opened.
      if (this.#entries.get(spec.key) !== entry) entry.listener.close()
      return undefined
    } catch (cause) {
      if (this.#entries.get(spec.key) === entry) this.#retire(spec.key, entry)
      return portUnavailable({ ...spec, port }, cause)
    } finally {
      entry.opening = undefined
    }
  }

  #retire(key: ServicePortKey, entry: Entry): void {
    this.#entries.delete(key)
    entry.listener.close()
    this.#retired.add(entry.listener)
  }
}
