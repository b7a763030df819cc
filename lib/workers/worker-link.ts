import { type Budgets, type LiveSettings, type TrafficCounts } from '../dataplane/data-plane.js'
import { type RowPart } from '../dataplane/age-rows.js'
import { type InspectRequest } from '../dataplane/inspect-request.js'
import { type ListenerSpec } from '../dataplane/listener-plan.js'
import { type Clock } from '../model/clock.js'
import { type ProfileRequest, type RawProfile } from '../model/profile.js'
import { type ServicePortKey } from '../model/service-port.js'
import { SerialQueue } from '../primitives/serial-queue.js'
import { splitPlan } from './split-plan.js'
import { type WorkerMessage, type WorkerCommand } from './worker-messages.js'
import { type InheritedSocket } from './worker-process.js'

/** The result of a plan: opened ports and failures. */
export type WorkerReport = Extract<WorkerMessage, { readonly kind: 'report' }>

/** The counts of one worker, by listener. */
export interface WorkerTraffic {
  readonly traffic: ReadonlyMap<ServicePortKey, Readonly<TrafficCounts>>
  readonly budgets: Budgets
}

/** A listener as a worker should hold it. */
export interface DesiredListener {
  readonly spec: ListenerSpec
  readonly port: number
  readonly handle: object | undefined
}

interface SentListener {
  readonly spec: ListenerSpec
  readonly handle: object | undefined
}

/**
 * The messages between this process and one worker process: which listeners the worker has, and which replies are pending.
 * Sends only the differences to the earlier plans.
 */
export class WorkerLink {
  /** A wait for its report has timed out, and the report is still missing. */
  isOverdue = false
  readonly #send: (command: WorkerCommand, handle?: object) => void
  readonly #clock: Pick<Clock, 'now'>
  readonly #inherited: Map<ServicePortKey, object>
  readonly #sent = new Map<ServicePortKey, SentListener>()
  readonly #pendingReports = new Map<number, (report: WorkerReport | undefined) => void>()
  readonly #pendingCounts = new Map<number, (counts: WorkerTraffic | undefined) => void>()
  readonly #pendingProfiles = new Map<number, (profile: RawProfile | undefined) => void>()
  /** The parts of replies so far, by request: the parts of two replies may alternate. */
  readonly #partialCounts = new Map<number, Map<ServicePortKey, Readonly<TrafficCounts>>>()
  readonly #inspections = new SerialQueue()
  readonly #pendingRows = new Map<number, (parts: readonly RowPart[] | undefined) => void>()
  /** The inspection that the worker answers now, and its rows so far. */
  #inspection: { readonly id: number; readonly what: InspectRequest['what']; readonly parts: RowPart[] } | undefined
  #partsOfRows = 0
  #generation = 0
  #requestId = 0
  #hasEnded = false
  #cutOff: number | undefined
  readonly #drains: ((cutOff: number | undefined) => void)[] = []

  /** @param inherited the sockets that the process has inherited */
  constructor(
    send: (command: WorkerCommand, handle?: object) => void,
    inherited: readonly InheritedSocket[],
    clock: Pick<Clock, 'now'>,
  ) {
    this.#send = send
    this.#clock = clock
    this.#inherited = new Map(inherited.map(({ key, handle }) => [key, handle]))
    if (inherited.length > 0) send({ kind: 'inherited', keys: inherited.map(({ key }) => key) })
  }

  /** Whether the worker has no plan yet. */
  get isNew(): boolean {
    return this.#generation === 0
  }

  /**
   * Sends the differences to the last plan.
   * @param keys of all listeners that may be desired
   * @param desiredOf a listener as the worker should hold it; `unchanged` leaves it as it is, undefined removes it
   * @returns the worker's report, or undefined if it exits without one; or undefined at once if nothing has changed
   */
  sendPlan(
    keys: Iterable<ServicePortKey>,
    desiredOf: (key: ServicePortKey) => DesiredListener | 'unchanged' | undefined,
  ): Promise<WorkerReport | undefined> | undefined {
    const set: ListenerSpec[] = []
    const removed = new Set(this.#sent.keys())
    for (const key of keys) {
      const desired = desiredOf(key)
      if (desired === undefined) continue
      removed.delete(key)
      if (desired === 'unchanged') continue
      const { spec, port, handle } = desired
      const sent = this.#sent.get(key)
      if (sent?.spec === spec && sent.handle === handle) continue
      const knownHandle = sent?.handle ?? this.#inherited.get(key)
      if (handle !== undefined && knownHandle !== handle) this.#send({ kind: 'socket', key }, handle)
      this.#sent.set(key, { spec, handle })
      set.push({ ...spec, port, endpoints: stripEndpoints(spec.endpoints) })
    }
    if (set.length + removed.size + this.#inherited.size === 0) return undefined
    for (const key of removed) this.#sent.delete(key)
    // The worker has closed the inherited sockets that it did not need.
    this.#inherited.clear()
    const generation = ++this.#generation
    for (const part of splitPlan(generation, set, [...removed])) this.#send(part)
    return this.#waitForReply(this.#pendingReports, generation)
  }

  /** Asks for counts; undefined if the worker exits without a reply. */
  requestCounts(): Promise<WorkerTraffic | undefined> {
    const id = ++this.#requestId
    this.#send({ kind: 'count', id })
    return this.#waitForReply(this.#pendingCounts, id)
  }

  /** Changes the settings of the worker. */
  changeSettings(settings: LiveSettings): void {
    this.#send({ kind: 'settings', settings })
  }

  /** How many parts with rows have come. While this grows, the worker replies. */
  get partsOfRows(): number {
    return this.#partsOfRows
  }

  /**
   * Asks for rows about connections and listeners. The worker gets one such command at a time.
   * @param isWanted whether the caller still waits when it is its turn
   * @returns the rows as they came; undefined if the worker exits without a reply, or the caller does not wait any more
   */
  inspect(request: InspectRequest, isWanted = (): boolean => true): Promise<readonly RowPart[] | undefined> {
    return this.#inspections.run(() => {
      if (!isWanted()) return undefined
      const id = ++this.#requestId
      this.#inspection = { id, what: request.what, parts: [] }
      this.#send({ kind: 'inspect', id, request })
      return this.#waitForReply(this.#pendingRows, id)
    })
  }

  /** Asks for a profile; undefined if the worker exits without a reply. */
  requestProfile(request: ProfileRequest): Promise<RawProfile | undefined> {
    const id = ++this.#requestId
    this.#send({ kind: 'profile', id, request })
    return this.#waitForReply(this.#pendingProfiles, id)
  }

  /**
   * Drains the worker; resolves when it has exited, with the number of connections that it closed at the timeout. Undefined if it has
   * exited without saying it: what was open then is cut.
   */
  drain(timeoutMs: number): Promise<number | undefined> {
    this.#send({ kind: 'drain', timeoutMs })
    return new Promise(resolve => this.#drains.push(resolve))
  }

  /** Takes a message of the worker. */
  handle(message: WorkerMessage): void {
    if (message.kind === 'report') {
      this.isOverdue = false
      this.#pendingReports.get(message.generation)?.(message)
      this.#pendingReports.delete(message.generation)
    } else if (message.kind === 'counts') {
      const { id, budgets } = message
      // Parts of a reply that nothing waits for would stay here.
      if (!this.#pendingCounts.has(id)) return
      const traffic = this.#partialCounts.get(id) ?? new Map<ServicePortKey, Readonly<TrafficCounts>>()
      for (const [key, counts] of message.traffic) traffic.set(key, counts)
      this.#partialCounts.set(id, traffic)
      if (!message.isLast) return
      this.#pendingCounts.get(id)?.({ traffic, budgets })
      this.#pendingCounts.delete(id)
      this.#partialCounts.delete(id)
    } else if (message.kind === 'inspected') {
      const { id, answer, isLast } = message
      const inspection = this.#inspection
      // Rows that nothing waits for would stay here, and those of another kind would be taken for others.
      if (inspection?.id !== id || inspection.what !== answer.what) return
      this.#partsOfRows++
      if (answer.rows.length > 0) inspection.parts.push({ rows: answer.rows, at: this.#clock.now() })
      if (!isLast) return
      this.#inspection = undefined
      this.#pendingRows.get(id)?.(inspection.parts)
      this.#pendingRows.delete(id)
    } else if (message.kind === 'profile') {
      this.#pendingProfiles.get(message.id)?.(message.profile)
      this.#pendingProfiles.delete(message.id)
    } else if (message.kind === 'drained') {
      this.#cutOff = message.cutOff
    }
  }

  /** The process has exited: no more messages will come. */
  processEnded(): void {
    this.#hasEnded = true
    for (const pending of [this.#pendingReports, this.#pendingCounts, this.#pendingRows, this.#pendingProfiles])
      for (const resolve of pending.values()) resolve(undefined)
    for (const resolve of this.#drains) resolve(this.#cutOff)
  }

  #waitForReply<T>(waiting: Map<number, (reply: T | undefined) => void>, id: number): Promise<T | undefined> {
    if (this.#hasEnded) return Promise.resolve(undefined)
    return new Promise(resolve => waiting.set(id, resolve))
  }
}

type Endpoints = ListenerSpec['endpoints']
const strippedLists = new WeakMap<Endpoints, Endpoints>()

/** Endpoints with only the fields that a worker reads. Listeners that share a list still share it, even within a message. */
function stripEndpoints(endpoints: Endpoints): Endpoints {
  const stripped = strippedLists.get(endpoints)
  if (stripped !== undefined) return stripped
  const fresh: Endpoints = endpoints.map(({ ip, port }) => ({ ip, port }))
  strippedLists.set(endpoints, fresh)
  return fresh
}
