import { randomBytes } from 'node:crypto'
import { type Clock } from '../model/clock.js'
import { type ClusterEvent, type EventWriter } from '../model/event-sink.js'
import { messageOf, ProxyFailure, systemCode } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { ApiRefusal } from './api-failure.js'
import { Backoff } from './backoff.js'
import { coreEventObject, type EventOccasion, eventNamespace, modernEventObject } from './event-object.js'
import { type KubeClient } from './kube-client.js'
import { pause } from './pause.js'
import { RecentEvents } from './recent-events.js'
import { TokenBucket } from './token-bucket.js'

/** Events that wait while the server is away or the rate is reached; the oldest go when there are more. */
const MAX_QUEUED = 100
/** The burst of client-go's spam filter, but for all events together: each node of a large cluster may have many. */
const BURST = 25
const REFILL_MS = 10_000
/** With the waits between them about as long as client-go goes on trying: two minutes. */
const MAX_ATTEMPTS = 8
const RETRY_FIRST_MS = 1000
const RETRY_MAX_MS = 60_000

export interface EventRecorderOptions {
  readonly client: Pick<KubeClient, 'postJson'>
  /** Of the node that this program runs on. */
  readonly nodeName: string
  readonly clock: Clock
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** A number from 0 up to but not including 1, for the waits between attempts. */
  readonly random?: () => number
}

interface Queued {
  readonly event: ClusterEvent
  readonly occasion: EventOccasion
}

/**
 * Writes events to the API server, one after the other, while `run` runs: as `events.k8s.io/v1`, or as core `v1` where
 * the server does not have that. Events are told before they matter and lost before they hurt: nothing waits for them.
 */
export class EventRecorder implements EventWriter {
  readonly #options: EventRecorderOptions
  readonly #recent: RecentEvents
  readonly #bucket: TokenBucket
  readonly #queue: Queued[] = []
  #wake: () => void = () => {}
  #usesCore = false
  /** Why the last event could not be written; undefined while they can. */
  #trouble: string | undefined
  #lost = 0

  constructor(options: EventRecorderOptions) {
    const now = (): number => options.clock.now()
    this.#options = options
    this.#recent = new RecentEvents(now)
    this.#bucket = new TokenBucket({ burst: BURST, refillMs: REFILL_MS, now })
  }

  event(event: ClusterEvent): void {
    if (!this.#recent.add(event)) return
    const at = (this.#options.now ?? Date.now)()
    this.#queue.push({
      event,
      occasion: { nodeName: this.#options.nodeName, at, unique: randomBytes(8).toString('hex') },
    })
    if (this.#queue.length > MAX_QUEUED) this.#lose(this.#queue.shift()!)
    this.#wake()
  }

  /** Resolves some time after the signal is aborted, when nothing is under way any more; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#wake()
    signal.addEventListener('abort', onAbort)
    while (!signal.aborted) {
      if (this.#queue.length === 0) await new Promise<void>(resolve => (this.#wake = resolve))
      else if (await this.#mayPost(signal)) await this.#post(this.#queue.shift()!, signal)
    }
    signal.removeEventListener('abort', onAbort)
  }

  async #mayPost(signal: AbortSignal): Promise<boolean> {
    const waitMs = this.#bucket.take()
    await pause(this.#options.clock, waitMs, signal)
    return waitMs === 0
  }

  async #post(queued: Queued, signal: AbortSignal): Promise<void> {
    const { clock, random = Math.random } = this.#options
    const backoff = new Backoff({ firstMs: RETRY_FIRST_MS, maxMs: RETRY_MAX_MS, random })
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await this.#create(queued, signal)
        return this.#written()
      } catch (error) {
        if (signal.aborted) return
        // An answer was lost on the way: the attempt before has done it.
        if (statusOf(error) === 409) return this.#written()
        this.#failed(error)
        if (attempt === MAX_ATTEMPTS || isFinal(statusOf(error))) return this.#lose(queued)
        await pause(clock, Math.max(backoff.next(), retryAfterMs(error)), signal)
      }
    }
  }

  /** A 404 may also mean that the namespace is gone: core `v1` is kept to from when it has worked. */
  async #create({ event, occasion }: Queued, signal: AbortSignal): Promise<void> {
    const { client } = this.#options
    const path = `v1/namespaces/${eventNamespace(event)}/events`
    try {
      if (!this.#usesCore) {
        await client.postJson(`/apis/events.k8s.io/${path}`, modernEventObject(event, occasion), signal)
        return
      }
    } catch (error) {
      if (statusOf(error) !== 404) throw error
    }
    await client.postJson(`/api/${path}`, coreEventObject(event, occasion), signal)
    this.#usesCore = true
  }

  #written(): void {
    if (this.#trouble === undefined) return
    this.#trouble = undefined
    this.#options.log.info(1, 'Events can be written again', { lost: this.#lost })
    this.#lost = 0
  }

  /** Not a warning: the loss of the API server is told by those who watch it, and traffic does not need events. */
  #failed(error: unknown): void {
    const trouble = String(statusOf(error) ?? (error instanceof ProxyFailure ? systemCode(error.cause) : undefined))
    if (trouble === this.#trouble) return
    this.#trouble = trouble
    const hint = error instanceof ProxyFailure ? error.hint : undefined
    this.#options.log.info(1, 'Events cannot be written to the API server', { error: messageOf(error), hint })
  }

  #lose({ event }: Queued): void {
    this.#lost++
    this.#recent.forget(event)
    const { kind, namespace, name } = event.regarding
    this.#options.log.info(4, 'An event is lost', { reason: event.reason, kind, namespace, name, note: event.note })
  }
}

function statusOf(error: unknown): number | undefined {
  return error instanceof ApiRefusal ? error.status : undefined
}

/** The same request will be answered the same way: no right to it, no such namespace, an object that is not accepted. */
function isFinal(status: number | undefined): boolean {
  return status !== undefined && status >= 400 && status < 500 && ![401, 408, 429].includes(status)
}

function retryAfterMs(error: unknown): number {
  return error instanceof ApiRefusal ? (error.retryAfterMs ?? 0) : 0
}
