import { type Budgets, type TrafficCounts } from '../dataplane/data-plane.js'
import { type ListenerSpec } from '../dataplane/listener-plan.js'
import { type ServicePortKey } from '../model/service-port.js'
import { planParts } from './plan-parts.js'
import { type WorkerAnswer, type WorkerOrder } from './worker-messages.js'
import { type InheritedSocket } from './worker-process.js'

export type WorkerReport = Extract<WorkerAnswer, { readonly kind: 'report' }>

/** What one worker has counted, by listener. */
export interface WorkerTraffic {
  readonly traffic: ReadonlyMap<ServicePortKey, Readonly<TrafficCounts>>
  readonly budgets: Budgets
}

/** A listener as a worker is to hold it. */
export interface Holding {
  readonly spec: ListenerSpec
  readonly port: number
  readonly handle: object | undefined
}

interface Told {
  readonly spec: ListenerSpec
  readonly handle: object | undefined
}

/**
 * The conversation with one worker process, from its first word to its last: what it has been told, and what it still owes an
 * answer to. Sends only what is different from what was told before.
 */
export class WorkerLink {
  /** It has been waited for in vain, and owes a report since. */
  isLate = false
  readonly #send: (order: WorkerOrder, handle?: object) => void
  readonly #inherited: Map<ServicePortKey, object>
  readonly #told = new Map<ServicePortKey, Told>()
  readonly #reports = new Map<number, (report: WorkerReport | undefined) => void>()
  readonly #counts = new Map<number, (counts: WorkerTraffic | undefined) => void>()
  #counting = new Map<ServicePortKey, Readonly<TrafficCounts>>()
  #generation = 0
  #countId = 0
  #isOver = false
  #cutOff = 0
  #onEnd: (cutOff: number) => void = () => undefined

  /** @param inherited the sockets that the process was born with */
  constructor(send: (order: WorkerOrder, handle?: object) => void, inherited: readonly InheritedSocket[]) {
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
   * @param holdingOf how it is to hold a listener: `keep` leaves it as it is, undefined takes it away
   * @param keys of all listeners that it is to hold
   * @returns its report, or undefined when it ended without one; or undefined at once when there is nothing to tell
   */
  tell(
    keys: Iterable<ServicePortKey>,
    holdingOf: (key: ServicePortKey) => Holding | 'keep' | undefined,
  ): Promise<WorkerReport | undefined> | undefined {
    const set: ListenerSpec[] = []
    const unwanted = new Set(this.#told.keys())
    for (const key of keys) {
      const holding = holdingOf(key)
      if (holding === undefined) continue
      unwanted.delete(key)
      if (holding === 'keep') continue
      const { spec, port, handle } = holding
      const told = this.#told.get(key)
      if (told?.spec === spec && told.handle === handle) continue
      const has = told?.handle ?? this.#inherited.get(key)
      if (handle !== undefined && has !== handle) this.#send({ kind: 'socket', key }, handle)
      this.#told.set(key, { spec, handle })
      set.push({ ...spec, port, endpoints: bare(spec.endpoints) })
    }
    if (set.length + unwanted.size + this.#inherited.size === 0) return undefined
    for (const key of unwanted) this.#told.delete(key)
    // What it had no use for it has closed.
    this.#inherited.clear()
    const generation = ++this.#generation
    for (const part of planParts(generation, set, [...unwanted])) this.#send(part)
    return this.#answerTo(this.#reports, generation)
  }

  /** Asks for counts; undefined when it ended without an answer. */
  count(): Promise<WorkerTraffic | undefined> {
    const id = ++this.#countId
    this.#send({ kind: 'count', id })
    return this.#answerTo(this.#counts, id)
  }

  /** Has it drain; resolves, when it has ended, with the number of connections that it cut off. */
  drain(timeoutMs: number): Promise<number> {
    this.#send({ kind: 'drain', timeoutMs })
    return new Promise(resolve => (this.#onEnd = resolve))
  }

  receive(answer: WorkerAnswer): void {
    if (answer.kind === 'report') {
      this.isLate = false
      this.#reports.get(answer.generation)?.(answer)
      this.#reports.delete(answer.generation)
    } else if (answer.kind === 'counts') {
      for (const [key, traffic] of answer.traffic) this.#counting.set(key, traffic)
      if (!answer.isLast) return
      const { budgets } = answer
      this.#counts.get(answer.id)?.({ traffic: this.#counting, budgets })
      this.#counts.delete(answer.id)
      this.#counting = new Map()
    } else if (answer.kind === 'drained') {
      this.#cutOff = answer.cutOff
    }
  }

  /** The process has ended: nothing more will come. */
  end(): void {
    this.#isOver = true
    for (const resolve of [...this.#reports.values(), ...this.#counts.values()]) resolve(undefined)
    this.#onEnd(this.#cutOff)
  }

  #answerTo<T>(waiting: Map<number, (answer: T | undefined) => void>, id: number): Promise<T | undefined> {
    if (this.#isOver) return Promise.resolve(undefined)
    return new Promise(resolve => waiting.set(id, resolve))
  }
}

type Endpoints = ListenerSpec['endpoints']
const bareLists = new WeakMap<Endpoints, Endpoints>()

/** Endpoints without what a worker does not read. Listeners that share a list go on sharing it, also within a message. */
function bare(endpoints: Endpoints): Endpoints {
  const known = bareLists.get(endpoints)
  if (known !== undefined) return known
  const made: Endpoints = endpoints.map(({ ip, port }) => ({ ip, port }))
  bareLists.set(endpoints, made)
  return made
}
