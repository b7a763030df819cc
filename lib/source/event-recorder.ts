import { randomBytes } from 'node:crypto'
import { type Clock } from '../model/clock.js'
import { type ClusterEvent, type EventWriter } from '../model/event-sink.js'
import { messageOf, ProxyFailure, systemCode } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { ApiRefusal } from './api-failure.js'
import { Backoff } from './backoff.js'
import { buildCoreV1Object, type EventContext, eventNamespace, buildEventsV1Object } from './event-object.js'
import { type KubeClient } from './kube-client.js'
import { pause } from './pause.js'
import { RecentEvents } from './recent-events.js'
import { TokenBucket } from '../primitives/token-bucket.js'

/** Events that wait while the server is away or the rate is reached; the oldest go when there are more. */
const MAX_QUEUED = 100
/** The burst of client-go's spam filter, but for all events together: each node of a large cluster may have many. */
const BURST = 25
const REFILL_MS = 10_000
/** With the waits between them about as long as client-go goes on trying: two minutes. */
const MAX_ATTEMPTS = 8
const RETRY_FIRST_MS = 1000
const RETRY_MAX_MS = 60_000

/** The parts of an `EventRecorder`. */
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

interface QueuedEvent {
  readonly event: ClusterEvent
  readonly context: EventContext
}

/**
 * Writes events to the API server, one after the other, while `run` runs: as `events.k8s.io/v1`, or as core `v1` where
 * the server does not have that. Events are told before they matter and lost before they hurt: nothing waits for them.
 */
export class EventRecorder implements EventWriter {
  readonly #options: EventRecorderOptions
  readonly #recent: RecentEvents
  readonly #bucket: TokenBucket
  readonly #queue: QueuedEvent[] = []
  #wake: () => void = () => {}
  #usesCore = false
  /** Why the last event could not be written; undefined while they can. */
  #lastProblem: string | undefined
  #droppedCount = 0

  constructor(options: EventRecorderOptions) {
    this.#options = options
    this.#recent = new RecentEvents(() => options.clock.now())
    this.#bucket = new TokenBucket({ burst: BURST, refillMs: REFILL_MS })
  }

  record(event: ClusterEvent): void {
    if (!this.#recent.add(event)) return
    const at = (this.#options.now ?? Date.now)()
    this.#queue.push({
      event,
      context: { nodeName: this.#options.nodeName, at, uniqueSuffix: randomBytes(8).toString('hex') },
    })
    if (this.#queue.length > MAX_QUEUED) this.#drop(this.#queue.shift()!)
    this.#wake()
  }

  /** Resolves some time after the signal is aborted, when nothing is under way any more; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#wake()
    signal.addEventListener('abort', onAbort)
    while (!signal.aborted) {
      if (this.#queue.length === 0) await new Promise<void>(resolve => (this.#wake = resolve))
      else if (await this.#takeToken(signal)) await this.#post(this.#queue.shift()!, signal)
    }
    signal.removeEventListener('abort', onAbort)
  }

  async #takeToken(signal: AbortSignal): Promise<boolean> {
    const waitMs = this.#bucket.tryTake(this.#options.clock.now())
    await pause(this.#options.clock, waitMs, signal)
    return waitMs === 0
  }

  async #post(queued: QueuedEvent, signal: AbortSignal): Promise<void> {
    const { clock, random = Math.random } = this.#options
    const backoff = new Backoff({ firstMs: RETRY_FIRST_MS, maxMs: RETRY_MAX_MS, random })
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await this.#create(queued, signal)
        return this.#onWritten()
      } catch (error) {
        if (signal.aborted) return
        // An answer was lost on the way: the attempt before has done it.
        if (statusOf(error) === 409) return this.#onWritten()
        this.#onFailed(error)
        if (attempt === MAX_ATTEMPTS || isFinal(statusOf(error))) return this.#drop(queued)
        await pause(clock, Math.max(backoff.nextDelayMs(), retryAfterMs(error)), signal)
      }
    }
  }

  /** A 404 may also mean that the namespace is gone: core `v1` is kept to from when it has worked. */
  async #create({ event, context }: QueuedEvent, signal: AbortSignal): Promise<void> {
    const { client } = this.#options
    const path = `v1/namespaces/${eventNamespace(event)}/events`
    try {
      if (!this.#usesCore) {
        await client.postJson(`/apis/events.k8s.io/${path}`, buildEventsV1Object(event, context), signal)
        return
      }
    } catch (error) {
      if (statusOf(error) !== 404) throw error
    }
    await client.postJson(`/api/${path}`, buildCoreV1Object(event, context), signal)
    this.#usesCore = true
  }

  #onWritten(): void {
    if (this.#lastProblem === undefined) return
    this.#lastProblem = undefined
    this.#options.log.info(1, 'Events can be written again', { lost: this.#droppedCount })
    this.#droppedCount = 0
  }

  /** Not a warning: the loss of the API server is told by those who watch it, and traffic does not need events. */
  #onFailed(error: unknown): void {
    const problem = String(statusOf(error) ?? (error instanceof ProxyFailure ? systemCode(error.cause) : undefined))
    if (problem === this.#lastProblem) return
    this.#lastProblem = problem
    const hint = error instanceof ProxyFailure ? error.hint : undefined
    this.#options.log.info(1, 'Events cannot be written to the API server', { error: messageOf(error), hint })
  }

  #drop({ event }: QueuedEvent): void {
    this.#droppedCount++
    this.#recent.remove(event)
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
