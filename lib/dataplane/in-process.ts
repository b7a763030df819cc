import { type ProxyFailure } from '../model/failure.js'
import { DEFAULT_UDP_TIMEOUTS } from '../model/udp-timeouts.js'
import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { type ServicePortKey } from '../model/service-port.js'
import {
  type Budgets,
  type DataPlane,
  type DataPlaneCounts,
  type ListenerCounts,
  type ListenerReport,
  buildListenerCounts,
} from './data-plane.js'
import { DescriptorBudget } from './limits/descriptor-budget.js'
import { DIAL_SCHEDULE } from './tcp/dial.js'
import { DialBudget } from './limits/dial-budget.js'
import { DialBurst } from './limits/dial-burst.js'
import { FlowLru } from './udp/flow-lru.js'
import { HalfClosedLimit } from './limits/half-closed-limit.js'
import { type BoundSockets, type DataPlaneTimings, type Listener, type ListenerContext } from './listener.js'
import { type ListenerPlan, type ListenerSpec, isPortConflict } from './listener-plan.js'
import { UpstreamSockets } from './transport/upstream-sockets.js'
import { portUnavailable } from './port-unavailable.js'
import { DrainingListeners } from './draining-listeners.js'
import { SendBurst } from './udp/send-burst.js'
import { ServiceLimits } from './limits/service-limits.js'
import { TcpProxy } from './tcp/tcp-proxy.js'
import { type TcpTransport } from './transport/tcp-transport.js'
import { UdpProxy } from './udp/udp-proxy.js'
import { type UdpTransport } from './transport/udp-transport.js'

/** The timings of a data plane without other settings, in milliseconds. */
export const DEFAULT_TIMINGS: DataPlaneTimings = {
  dialSchedule: DIAL_SCHEDULE,
  keepAliveIdle: 15_000,
  queueTimeout: 10_000,
  // As long as kube-proxy has conntrack remember such a connection (nf_conntrack_tcp_timeout_close_wait).
  halfClosedTimeout: 3_600_000,
  udpTimeout: DEFAULT_UDP_TIMEOUTS.unanswered,
  udpStreamTimeout: DEFAULT_UDP_TIMEOUTS.answered,
}
/** UDP flows of all listeners together, as long as descriptors allow half as many again. */
const FLOW_CAPACITY = 16_384

/** How often another port is asked for; the chance to need more than a few is that of many closed listeners at once. */
const MAX_PORT_ATTEMPTS = 32

interface ListenerEntry {
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
  readonly #entries = new Map<ServicePortKey, ListenerEntry>()
  readonly #drainingListeners = new DrainingListeners()
  readonly #sweepTimer: NodeJS.Timeout
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
    const flowOrder = new FlowLru(Math.min(FLOW_CAPACITY, Math.floor(descriptorLimit / 2)))
    const halfClosed = new HalfClosedLimit(timings.halfClosedTimeout)
    const descriptors = new DescriptorBudget(descriptorLimit)
    const dials = new DialBudget(descriptors)
    this.#context = {
      log,
      clock,
      random,
      descriptorBudget: descriptors,
      dialBudget: dials,
      transport,
      udpTransport,
      upstreamSockets: { tcp: new UpstreamSockets(), udp: new UpstreamSockets() },
      halfClosedLimit: halfClosed,
      dialBurst: new DialBurst(),
      flowLru: flowOrder,
      sendBurst: new SendBurst(),
      serviceLimits: new ServiceLimits(),
      timings,
      boundSockets,
      onConnectionEnd: () => this.#drainingListeners.notifyConnectionEnd(),
    }
    const shortest = Math.min(timings.udpTimeout, timings.udpStreamTimeout)
    const period = Math.min(1000, Math.max(10, Math.min(shortest, timings.halfClosedTimeout) / 4))
    this.#sweepTimer = setInterval(() => {
      halfClosed.sweep(clock.now())
      dials.sweep()
      flowOrder.expireIdle(clock.now(), shortest)
      this.#drainingListeners.removeIdle()
    }, period).unref()
  }

  async apply(plan: ListenerPlan): Promise<ListenerReport> {
    if (this.#isDraining) return { open: new Map(), failed: new Map() }
    for (const [key, entry] of this.#entries) {
      const spec = plan.get(key)
      if (spec === undefined || spec.address !== entry.spec.address) this.#drainListener(key, entry)
    }
    this.#context.serviceLimits.apply(plan, this.#allListeners())
    const opening: Promise<unknown>[] = []
    const failed = new Map<ServicePortKey, ProxyFailure>()
    for (const [key, spec] of plan) {
      let entry = this.#entries.get(key)
      if (entry === undefined) {
        entry = this.#openListener(spec)
        this.#entries.set(key, entry)
      } else if (entry.spec !== spec) {
        entry.spec = spec
        const again = entry.listener.update(spec)
        if (again !== undefined) entry.opening = this.#finishOpening(entry, again)
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

  reserveDescriptors(descriptors: number): void {
    this.#context.descriptorBudget.reserve(descriptors)
  }

  counts(): DataPlaneCounts {
    return { listeners: [...this.iterateListenerCounts()], ...this.budgets() }
  }

  /** Counts one listener after the other: for whoever wants to let traffic pass in between. */
  *iterateListenerCounts(): Generator<ListenerCounts> {
    for (const { spec, listener } of this.#entries.values()) yield buildListenerCounts(spec, listener.counts())
  }

  budgets(): Budgets {
    const { descriptorBudget, dialBudget } = this.#context
    return { descriptors: descriptorBudget.counts(), dials: dialBudget.counts() }
  }

  async drain(timeoutMs: number): Promise<number> {
    this.#isDraining = true
    for (const [key, entry] of this.#entries) this.#drainListener(key, entry)
    await this.#drainingListeners.waitUntilIdle(timeoutMs)
    clearInterval(this.#sweepTimer)
    return this.#drainingListeners.abortConnections()
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

  /**
   * Opens a listener on a port that no other one calls its own: one without endpoints has its socket closed and its rule in
   * place, and the kernel, asked for any port, may give away that one.
   */
  async #openOnFreePort(entry: ListenerEntry): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const port = await entry.listener.open()
      // Whoever has bound it for us has seen to that.
      const isFree = this.#context.boundSockets !== undefined || !this.#isHeldByOther(port, entry)
      if (isFree || attempt === MAX_PORT_ATTEMPTS) {
        entry.port = port
        return
      }
      entry.listener.close()
      entry.listener = this.#createListener(entry.spec)
    }
  }

  /** A loop, not a list made for each question: with thousands of listeners it is asked thousands of times. */
  #isHeldByOther(port: number, entry: ListenerEntry): boolean {
    for (const other of this.#entries.values())
      if (other.port === port && other !== entry && isPortConflict(other.spec, entry.spec)) return true
    return false
  }

  /** Resolves with what went wrong; the entry is then taken out, so that the next plan opens it anew. */
  async #finishOpening(entry: ListenerEntry, opened: Promise<void>): Promise<ProxyFailure | undefined> {
    const { spec, port = spec.port } = entry
    try {
      await opened
      // Taken out of the plan while it was being opened.
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
