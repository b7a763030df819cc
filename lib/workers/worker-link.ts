import { type Budgets, type TrafficCounts } from '../dataplane/data-plane.js'
import { type ListenerSpec } from '../dataplane/listener-plan.js'
import { type ServicePortKey } from '../model/service-port.js'
import { splitPlan } from './split-plan.js'
import { type WorkerMessage, type WorkerCommand } from './worker-messages.js'
import { type InheritedSocket } from './worker-process.js'

export type WorkerReport = Extract<WorkerMessage, { readonly kind: 'report' }>

/** What one worker has counted, by listener. */
export interface WorkerTraffic {
  readonly traffic: ReadonlyMap<ServicePortKey, Readonly<TrafficCounts>>
  readonly budgets: Budgets
}

/** A listener as a worker is to hold it. */
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
 * The conversation with one worker process, from its first word to its last: what it has been told, and what it still owes an
 * answer to. Sends only what is different from what was told before.
 */
export class WorkerLink {
  /** It has been waited for in vain, and owes a report since. */
  isOverdue = false
  readonly #send: (order: WorkerCommand, handle?: object) => void
  readonly #inherited: Map<ServicePortKey, object>
  readonly #sent = new Map<ServicePortKey, SentListener>()
  readonly #pendingReports = new Map<number, (report: WorkerReport | undefined) => void>()
  readonly #pendingCounts = new Map<number, (counts: WorkerTraffic | undefined) => void>()
  #partialCounts = new Map<ServicePortKey, Readonly<TrafficCounts>>()
  #generation = 0
  #countId = 0
  #hasEnded = false
  #cutOff = 0
  #onEnd: (cutOff: number) => void = () => undefined

  /** @param inherited the sockets that the process was born with */
  constructor(send: (order: WorkerCommand, handle?: object) => void, inherited: readonly InheritedSocket[]) {
    this.#send = send
    this.#inherited = new Map(inherited.map(({ key, handle }) => [key, handle]))
    if (inherited.length > 0) send({ kind: 'inherited', keys: inherited.map(({ key }) => key) })
  }

  /** Whether it has not been told anything yet. */
  get isNew(): boolean {
    return this.#generation === 0
  }

  /**
   * Tells the worker what to hold.
   * @param desiredOf how it is to hold a listener: `keep` leaves it as it is, undefined takes it away
   * @param keys of all listeners that it is to hold
   * @returns its report, or undefined when it ended without one; or undefined at once when there is nothing to tell
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
    // What it had no use for it has closed.
    this.#inherited.clear()
    const generation = ++this.#generation
    for (const part of splitPlan(generation, set, [...removed])) this.#send(part)
    return this.#waitForReply(this.#pendingReports, generation)
  }

  /** Asks for counts; undefined when it ended without an answer. */
  requestCounts(): Promise<WorkerTraffic | undefined> {
    const id = ++this.#countId
    this.#send({ kind: 'count', id })
    return this.#waitForReply(this.#pendingCounts, id)
  }

  /** Has it drain; resolves, when it has ended, with the number of connections that it cut off. */
  drain(timeoutMs: number): Promise<number> {
    this.#send({ kind: 'drain', timeoutMs })
    return new Promise(resolve => (this.#onEnd = resolve))
  }

  handle(message: WorkerMessage): void {
    if (message.kind === 'report') {
      this.isOverdue = false
      this.#pendingReports.get(message.generation)?.(message)
      this.#pendingReports.delete(message.generation)
    } else if (message.kind === 'counts') {
      for (const [key, traffic] of message.traffic) this.#partialCounts.set(key, traffic)
      if (!message.isLast) return
      const { budgets } = message
      this.#pendingCounts.get(message.id)?.({ traffic: this.#partialCounts, budgets })
      this.#pendingCounts.delete(message.id)
      this.#partialCounts = new Map()
    } else if (message.kind === 'drained') {
      this.#cutOff = message.cutOff
    }
  }

  /** The process has ended: nothing more will come. */
  processEnded(): void {
    this.#hasEnded = true
    for (const resolve of [...this.#pendingReports.values(), ...this.#pendingCounts.values()]) resolve(undefined)
    this.#onEnd(this.#cutOff)
  }

  #waitForReply<T>(waiting: Map<number, (answer: T | undefined) => void>, id: number): Promise<T | undefined> {
    if (this.#hasEnded) return Promise.resolve(undefined)
    return new Promise(resolve => waiting.set(id, resolve))
  }
}

type Endpoints = ListenerSpec['endpoints']
const strippedLists = new WeakMap<Endpoints, Endpoints>()

/** Endpoints without what a worker does not read. Listeners that share a list go on sharing it, also within a message. */
function stripEndpoints(endpoints: Endpoints): Endpoints {
  const stripped = strippedLists.get(endpoints)
  if (stripped !== undefined) return stripped
  const fresh: Endpoints = endpoints.map(({ ip, port }) => ({ ip, port }))
  strippedLists.set(endpoints, fresh)
  return fresh
}
