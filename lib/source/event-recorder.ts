import { randomBytes } from 'node:crypto'
import { type Clock } from '../model/clock.js'
import { type ClusterEvent, type EventWriter } from '../model/event-sink.js'
import { messageOf, ProxyFailure, systemCode } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { TokenBucket } from '../primitives/token-bucket.js'
import { ApiRefusal } from './api-failure.js'
import { Backoff } from './backoff.js'
import { buildCoreV1Object, type EventContext, eventNamespace, buildEventsV1Object } from './event-object.js'
import { type KubeClient } from './kube-client.js'
import { pause } from '../primitives/pause.js'
import { RecentEvents } from './recent-events.js'

/** The most events that wait for the server or for the rate limit. Beyond that the oldest are dropped. */
const MAX_QUEUED = 100
/** The burst of client-go's spam filter, but for all events together, because each node of a large cluster may have many. */
const BURST = 25
const REFILL_MS = 10_000
/** With the waits in between about two minutes, as in client-go. */
const MAX_ATTEMPTS = 8
const RETRY_FIRST_MS = 1000
const RETRY_MAX_MS = 60_000

/** The parts of an `EventRecorder`. */
export interface EventRecorderOptions {
  readonly client: Pick<KubeClient, 'postJson'>
  /** The name of the node that this program runs on. */
  readonly nodeName: string
  readonly clock: Clock
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** Returns a number from 0 (inclusive) to 1 (exclusive), for the waits between attempts. */
  readonly random?: () => number
}

interface QueuedEvent {
  readonly event: ClusterEvent
  readonly context: EventContext
}

/**
 * Writes events to the API server, one after the other, while `run` runs: as `events.k8s.io/v1`, or as core `v1` for servers
 * without that API. Nothing waits for events, and events are dropped rather than delaying anything.
 */
export class EventRecorder implements EventWriter {
  readonly #options: EventRecorderOptions
  readonly #recent: RecentEvents
  readonly #bucket: TokenBucket
  readonly #queue: QueuedEvent[] = []
  #wake: () => void = () => {}
  #usesCore = false
  readonly #problem = new OnceReporter()
  #droppedCount = 0

  constructor(options: EventRecorderOptions) {
    this.#options = options
    this.#recent = new RecentEvents(() => options.clock.now())
    this.#bucket = new TokenBucket({ burst: BURST, refillMs: REFILL_MS })
  }

  /** Queues an event, unless the same one was recorded in the last minutes. Never throws. */
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

  /** Writes events until the signal is aborted; resolves after the last request has ended. Never rejects. */
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
        // The event exists: an earlier attempt created it, but its response was lost.
        if (statusOf(error) === 409) return this.#onWritten()
        this.#onFailed(error)
        if (attempt === MAX_ATTEMPTS || isFinal(statusOf(error))) return this.#drop(queued)
        await pause(clock, Math.max(backoff.nextDelayMs(), retryAfterMs(error)), signal)
      }
    }
  }

  /** A 404 may also mean that the namespace is gone, so core `v1` becomes the default only after it has worked. */
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
    if (!this.#problem.clear()) return
    this.#options.log.info(1, 'Writing events works again', { lost: this.#droppedCount })
    this.#droppedCount = 0
  }

  /** Not a warning: the source reports an unreachable API server, and traffic does not need events. */
  #onFailed(error: unknown): void {
    const problem = String(statusOf(error) ?? (error instanceof ProxyFailure ? systemCode(error.cause) : undefined))
    const hint = error instanceof ProxyFailure ? error.hint : undefined
    this.#problem.updateOne(problem, () =>
      this.#options.log.info(1, 'Cannot write events to the API server', { error: messageOf(error), hint }),
    )
  }

  #drop({ event }: QueuedEvent): void {
    this.#droppedCount++
    this.#recent.remove(event)
    const { kind, namespace, name } = event.regarding
    this.#options.log.info(4, 'Dropped an event', { reason: event.reason, kind, namespace, name, note: event.note })
  }
}

function statusOf(error: unknown): number | undefined {
  return error instanceof ApiRefusal ? error.status : undefined
}

/** Whether a repeated request would fail again: no permission, no such namespace, or an invalid object. */
function isFinal(status: number | undefined): boolean {
  return status !== undefined && status >= 400 && status < 500 && ![401, 408, 429].includes(status)
}

function retryAfterMs(error: unknown): number {
  return error instanceof ApiRefusal ? (error.retryAfterMs ?? 0) : 0
}
