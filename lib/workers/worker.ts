import { setImmediate as nextTurn } from 'node:timers/promises'
import { type ListenerReport, type TrafficCounts } from '../dataplane/data-plane.js'
import { type Transports } from '../dataplane/transport/choose-transports.js'
import { InProcessDataPlane } from '../dataplane/in-process.js'
import { type InspectRequest, type InspectedRow } from '../dataplane/inspect-request.js'
import { rowParts } from '../dataplane/row-parts.js'
import { type ListenerSpec } from '../dataplane/listener-plan.js'
import { ShortageLog } from '../dataplane/limits/shortage-log.js'
import { type Shortage } from '../dataplane/limits/shortage-watch.js'
import { type NodeResources } from '../dataplane/node-resources.js'
import { type Clock } from '../model/clock.js'
import { messageOf, systemCode } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ProfileRequest } from '../model/profile.js'
import { type ServicePortKey } from '../model/service-port.js'
import { pause } from '../primitives/pause.js'
import { SerialQueue } from '../primitives/serial-queue.js'
import { type Profiler } from '../system/profiler.js'
import { ControlWatch, type KillResult } from './control-watch.js'
import { PassedSockets } from './passed-sockets.js'
import { reuseEqualLists } from './split-plan.js'
import { GIVING_WAY_TITLE, LEAVING_TITLE, ORPHAN_TITLE } from './is-orphan.js'
import { type ListenFailure, type WorkerMessage, type WorkerCommand, type WorkerSettings } from './worker-messages.js'

/** How many listeners are counted before connections get a turn of the event loop. */
const LISTENERS_PER_TURN = 200

/** The parts of a `Worker`, and what it may do to its process. */
export interface WorkerOptions {
  readonly settings: WorkerSettings
  readonly clock: Clock
  readonly random: () => number
  readonly descriptorLimit: number
  readonly node?: NodeResources
  readonly transports: Transports
  /** Undefined: this worker makes no profiles. */
  readonly profiler?: Pick<Profiler, 'take'> | undefined
  readonly log: Log
  readonly setVerbosity: (level: number) => void
  readonly send: (message: WorkerMessage) => void
  /** Resolves when the pipe has taken all messages so far. */
  readonly sent: () => Promise<unknown>
  /** Sets the title of this process, which other processes read; see `orphans.ts`. */
  readonly setTitle: (title: string) => void
  /** Exits after all messages have been sent. */
  readonly exit: () => void
  readonly killControl: () => KillResult
}

/**
 * A data plane that is controlled by messages.
 *
 *     controlled ──▶ orphaned ──▶ draining ──▶ exit
 *         └──── drain ──────────────┘
 *
 * A worker that loses its control process while it drains, or while it has nothing to serve, goes on draining, for the drain timeout at
 * most.
 *
 * An orphan has lost its control process. It keeps serving its last plan for a limited time, or until the next control process
 * sends it signals: first to release NodePorts, then to drain.
 */
export class Worker {
  readonly #options: WorkerOptions
  readonly #plane: InProcessDataPlane
  readonly #sockets = new PassedSockets()
  /** Answers one inspect command after the other. */
  readonly #inspections = new SerialQueue()
  /** The plan with all parts that have arrived. */
  readonly #plan = new Map<ServicePortKey, ListenerSpec>()
  /** Ports that the control process knows. */
  readonly #reported = new Map<ServicePortKey, number>()
  /** For an orphan: otherwise the control process logs for all workers. */
  readonly #shortageLog: ShortageLog
  readonly #controlWatch: ControlWatch | undefined
  #state: 'controlled' | 'orphaned' | 'draining' = 'controlled'
  #hasControl = true
  /** How long open connections of an orphan may continue, in milliseconds. */
  #drainTimeout: number
  /** When the time of the drain is over, in milliseconds of the clock. */
  #drainDeadline = Infinity
  /** How often a drain was begun. A later one has another time, and ends the earlier one. */
  #drains = 0

  constructor(options: WorkerOptions) {
    const { settings, clock, random, descriptorLimit, node, transports, log } = options
    this.#options = options
    this.#drainTimeout = settings.drainTimeout
    this.#shortageLog = new ShortageLog(log, clock)
    const { killControl } = options
    const { controlTimeout: timeoutMs } = settings
    if (timeoutMs !== undefined) this.#controlWatch = new ControlWatch({ timeoutMs, clock, log, killControl })
    this.#plane = new InProcessDataPlane({
      log,
      clock,
      random,
      descriptorLimit,
      ...(node === undefined ? {} : { node }),
      onShortage: shortage => this.#reportShortage(shortage),
      timings: settings.timings,
      ...transports,
      ...(settings.passedSockets ? { boundSockets: this.#sockets } : {}),
    })
  }

  /** Handles a command of the control process, and the socket that came with it. */
  handle(command: WorkerCommand, handle: object | undefined): void {
    switch (command.kind) {
      case 'inherited':
        return this.#sockets.inherit(command.keys)
      case 'socket':
        if (handle !== undefined) this.#sockets.add(command.key, handle)
        return
      case 'plan':
        for (const spec of command.set) this.#plan.set(spec.key, reuseEqualLists(spec, this.#plan.get(spec.key)))
        for (const key of command.drop) this.#plan.delete(key)
        if (command.isLast) void this.#applyPlan(command.generation)
        return
      case 'count':
        return void this.#sendCounts(command.id)
      case 'inspect':
        return void this.#inspections.run(() => this.#sendRows(command.id, command.request))
      case 'profile':
        return void this.#sendProfile(command.id, command.request)
      case 'ping':
        this.#controlWatch?.recordPing()
        return this.#options.send({ kind: 'pong' })
      case 'settings':
        this.#drainTimeout = command.settings.drainTimeout
        return this.#options.setVerbosity(command.settings.verbosity)
      case 'drain':
        return void this.#drain(command.timeoutMs)
    }
  }

  /** The control process has exited. */
  becomeOrphan(): void {
    const { settings, clock, log, setTitle } = this.#options
    this.#controlWatch?.stop()
    this.#hasControl = false
    // There is nothing to serve, or nothing new: open connections may continue. A proxy that stands by drains without a time limit.
    if (this.#state === 'draining' || this.#plan.size === 0)
      return void this.#drain(Math.min(this.#drainTimeout, this.#drainDeadline - clock.now()))
    this.#state = 'orphaned'
    setTitle(ORPHAN_TITLE)
    log.warn('The control process has exited; this data-plane worker keeps serving its last plan', {
      listeners: this.#plan.size,
      seconds: settings.orphanTime / 1000,
    })
    clock.after(settings.orphanTime, () => this.handleSignal())
  }

  /** The next control process opens its listeners: an orphan releases NodePorts, which only one process can hold, and serves on. */
  releaseNodePorts(): void {
    if (this.#state !== 'orphaned') return
    for (const [key, { holdsNodePort }] of this.#plan) if (holdsNodePort === true) this.#plan.delete(key)
    // This closes their sockets before it returns.
    void this.#plane.apply(new Map(this.#plan))
    this.#options.setTitle(GIVING_WAY_TITLE)
  }

  /** Drains an orphan. While there is a control process, the worker ignores signals and waits for a command. */
  handleSignal(): void {
    if (this.#state === 'orphaned') void this.#drain(this.#drainTimeout)
  }

  #reportShortage(shortage: Shortage): void {
    if (this.#state === 'controlled') this.#options.send({ kind: 'shortage', shortage })
    else this.#shortageLog.report(shortage)
  }

  async #applyPlan(generation: number): Promise<void> {
    // A copy: the next parts must not change a plan that is being applied.
    const applied = this.#plane.apply(new Map(this.#plan))
    // Every listener has taken its socket by now.
    this.#sockets.closeUnused()
    const { open, failed } = await applied
    this.#options.send({ kind: 'report', generation, opened: this.#newlyOpened(open), failed: failuresOf(failed) })
  }

  #newlyOpened(open: ListenerReport['open']): (readonly [ServicePortKey, number])[] {
    const opened: (readonly [ServicePortKey, number])[] = []
    for (const entry of open) {
      const [key, port] = entry
      if (this.#reported.get(key) === port) continue
      this.#reported.set(key, port)
      opened.push(entry)
    }
    for (const key of this.#reported.keys()) if (!open.has(key)) this.#reported.delete(key)
    return opened
  }

  async #sendCounts(id: number): Promise<void> {
    const { send } = this.#options
    let traffic: (readonly [ServicePortKey, Readonly<TrafficCounts>])[] = []
    const sendPart = (isLast: boolean): void => {
      send({ kind: 'counts', id, traffic, budgets: this.#plane.budgets(), isLast })
      traffic = []
    }
    for (const counts of this.#plane.iterateListenerCounts()) {
      traffic.push([counts.key, counts.traffic])
      if (traffic.length < LISTENERS_PER_TURN) continue
      sendPart(false)
      await nextTurn()
    }
    sendPart(true)
  }

  async #sendRows(id: number, request: InspectRequest): Promise<void> {
    const { send, sent } = this.#options
    const { what } = request
    const sendPart = (rows: readonly InspectedRow[], isLast: boolean): void =>
      send({ kind: 'inspected', id, answer: { what, rows }, isLast })
    for await (const rows of rowParts(this.#plane.inspectionSteps(request))) {
      sendPart(rows, false)
      // A control process that does not read must not cost this one memory.
      await sent()
    }
    sendPart([], true)
  }

  async #sendProfile(id: number, request: ProfileRequest): Promise<void> {
    const { profiler, clock, log, send } = this.#options
    try {
      const wait = (ms: number) => pause(clock, ms, undefined, { keepsAlive: false })
      const profile = await profiler?.take(request, wait)
      if (profile !== undefined) send({ kind: 'profile', id, profile })
    } catch (error) {
      log.error('Cannot make a profile of this data-plane worker', error)
    }
  }

  async #drain(duration: number): Promise<void> {
    const { clock, log, send, setTitle, exit } = this.#options
    const timeoutMs = Math.max(0, Math.round(duration))
    const drain = ++this.#drains
    this.#state = 'draining'
    this.#drainDeadline = clock.now() + timeoutMs
    this.#controlWatch?.stop()
    // This closes the listeners before it returns.
    const drained = this.#plane.drain(timeoutMs)
    if (!this.#hasControl) {
      setTitle(LEAVING_TITLE)
      log.info(0, 'Draining a data-plane worker without control process', { seconds: timeoutMs / 1000 })
    }
    const { cutOff } = await drained
    if (drain !== this.#drains) return
    send({ kind: 'drained', cutOff })
    exit()
  }
}

function failuresOf(failed: ListenerReport['failed']): ListenFailure[] {
  return [...failed].map(([key, { cause }]) => ({ key, message: messageOf(cause), systemCode: systemCode(cause) }))
}
