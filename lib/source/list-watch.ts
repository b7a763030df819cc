import { type Clock } from '../model/clock.js'
import { ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { ApiRefusal, unreadableFailure } from './api-failure.js'
import { Backoff } from './backoff.js'
import { type ConnectivityLog } from './connectivity-log.js'
import { type KubeClient } from './kube-client.js'
import { type ListWatchTimings } from './list-watch-timings.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { pause } from '../primitives/pause.js'
import { readObjectList } from './watch-event.js'
import { type ObjectSink, type WatchEnd, watchOnce } from './watch-once.js'
import { type WatchedResource } from './watched-resource.js'

/** Begins a field selector for the object with a name. */
const BY_NAME = 'metadata.name='
/** A field selector that no object matches: no name ends with a hyphen. */
const NO_OBJECT = `${BY_NAME}-`

/** The parts and settings of a `ListWatch`. */
export interface ListWatchOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Log
  readonly connectivity: ConnectivityLog
  readonly timings: ListWatchTimings
  readonly random: () => number
  readonly sink: ObjectSink
  /** Called whenever the server has confirmed that the sink has the current state. */
  readonly onCurrent?: () => void
}

/**
 * Keeps a sink up to date with one resource of the API: lists it once, then watches it from there, forever.
 *
 * A watch continues from the last delivered version if no event can be missing. If an event may be missing, the resource is
 * listed again, and the sink detects what was removed.
 */
export class ListWatch {
  readonly #resource: WatchedResource
  readonly #options: ListWatchOptions
  /** After failed requests. */
  readonly #afterFailure: Backoff
  /** Before another list soon after the last one. */
  readonly #beforeRelist: Backoff
  /** After watches that end too soon. Short, because changes are not seen during the wait. */
  readonly #beforeReopen: Backoff
  #selector = 0
  /**
   * The version that the next list requests. `0`: any version that the server has in its cache. A version: nothing older, so that
   * the state never goes back. Empty: the latest from the store, for when the server does not know the version.
   */
  #listVersion = '0'
  /** Where the watch continues; undefined: a list is needed. */
  #watchVersion: string | undefined
  /**
   * Whether the server may have come back with an older store, as after a restore of etcd from a backup. Such a server opens a watch from
   * a version that it does not have yet, and sends no event until it has it.
   */
  #storeMayBeOlder = false
  readonly #silences = new OnceReporter()

  constructor(resource: WatchedResource, options: ListWatchOptions) {
    const { backoffFirstMs: firstMs, backoffMaxMs: maxMs, reopenMaxMs } = options.timings
    const { random } = options
    this.#resource = resource
    this.#options = options
    this.#afterFailure = new Backoff({ firstMs, maxMs, random })
    this.#beforeRelist = new Backoff({ firstMs, maxMs, random, firstIsImmediate: true })
    this.#beforeReopen = new Backoff({ firstMs, maxMs: reopenMaxMs, random, firstIsImmediate: true })
  }

  /** Runs until the signal is aborted, or until a resource with `endsWhenMissing` gives 404. */
  async run(signal: AbortSignal): Promise<'stopped' | 'not-found'> {
    while (!signal.aborted) {
      const version = this.#watchVersion
      let waitMs: number
      try {
        if (version === undefined) waitMs = await this.#list(signal)
        else if (this.#storeMayBeOlder) waitMs = await this.#checkVersion(version, signal)
        else waitMs = await this.#watch(version, signal)
      } catch (error) {
        if (!(error instanceof ProxyFailure)) throw error
        if (signal.aborted) break
        waitMs = this.#failed(error)
        if (this.#resource.endsWhenMissing && error instanceof ApiRefusal && error.status === 404) return 'not-found'
      }
      await pause(this.#options.clock, waitMs, signal)
    }
    return 'stopped'
  }

  /** Returns the milliseconds to wait before the next step, as do the other steps. */
  async #list(signal: AbortSignal): Promise<number> {
    const { client, sink } = this.#options
    const path = this.#path({ resourceVersion: this.#listVersion })
    const list = readObjectList(await client.getJson(path, signal))
    if (list === undefined) {
      throw unreadableFailure({ server: client.server, path }, new Error('a list with a resourceVersion was expected'))
    }
    if (signal.aborted) return 0
    this.#succeeded()
    this.#storeMayBeOlder = false
    sink.replace(this.#resource.kind, list.items)
    this.#listVersion = this.#watchVersion = list.version
    return 0
  }

  /**
   * Requests a list of nothing that is not older than the version. A server whose store is older refuses it (504), and `#failed` then
   * requests a new list.
   */
  async #checkVersion(version: string, signal: AbortSignal): Promise<number> {
    const { fields } = this.#resource.selectors[this.#selector] ?? {}
    // A client that may only read the object with this name may not request a list of others.
    const fieldSelector = fields?.startsWith(BY_NAME) === true ? fields : NO_OBJECT
    try {
      await this.#options.client.getJson(this.#path({ resourceVersion: version, fieldSelector }), signal)
    } catch (error) {
      if (!(error instanceof ApiRefusal) || error.status !== 403) throw error
      return this.#relist('the server refuses to say whether it has this version')
    }
    this.#storeMayBeOlder = false
    this.#succeeded()
    return 0
  }

  async #watch(version: string, signal: AbortSignal): Promise<number> {
    const { client, clock, sink, timings, random, onCurrent } = this.#options
    const { watchSecondsMin: min, watchSecondsMax: max } = timings
    // Random, so that the watches of all nodes do not end at the same time.
    const seconds = Math.floor(min + random() * (max - min + 1))
    const openedAt = clock.now()
    const end = await watchOnce(
      {
        client,
        clock,
        sink,
        version,
        kind: this.#resource.kind,
        path: this.#path({
          watch: 'true',
          allowWatchBookmarks: 'true',
          resourceVersion: version,
          timeoutSeconds: String(seconds),
        }),
        silenceMs: seconds * 1000 + timings.endGraceMs,
        onOpen: () => this.#succeeded(),
        onAlive: () => {
          this.#silences.clear()
          onCurrent?.()
        },
      },
      signal,
    )
    if (signal.aborted) return 0
    return this.#ended(end, end.version !== version, clock.now() - openedAt)
  }

  #ended(end: WatchEnd, moved: boolean, lastedMs: number): number {
    const { log, timings } = this.#options
    const { name } = this.#resource
    this.#listVersion = end.version
    const healthy = lastedMs >= timings.healthyMs
    if (healthy) this.#beforeRelist.reset()
    if (healthy || moved) this.#beforeReopen.reset()
    if (end.how === 'expired' || end.how === 'faulty') return this.#relist(end.reason)
    this.#storeMayBeOlder = end.how !== 'closed'
    if (end.how === 'silent') this.#reportSilence(end.reason)
    else log.info(4, `The watch of ${name} ended; opening it again`, { how: end.how, reason: end.reason })
    this.#watchVersion = end.version
    return this.#beforeReopen.nextDelayMs()
  }

  #relist(reason: string): number {
    this.#options.log.info(1, `Listing ${this.#resource.name} again, because the watch cannot continue`, { reason })
    this.#watchVersion = undefined
    return this.#beforeRelist.nextDelayMs()
  }

  /** Once, until a watch is alive again: a server may ignore the time at which a watch should end. */
  #reportSilence(reason: string): void {
    const { name } = this.#resource
    this.#silences.updateOne('silent', () =>
      this.#options.log.warn(`The watch of ${name} stalled; opening it again`, { reason }),
    )
  }

  /** Handles a request without response, or with an error. */
  #failed(failure: ProxyFailure): number {
    this.#storeMayBeOlder = true
    const { connectivity, log } = this.#options
    const { name, selectors } = this.#resource
    const status = failure instanceof ApiRefusal ? failure.status : undefined
    if (status === 400 && this.#selector + 1 < selectors.length) {
      log.info(1, `The API server does not support a selector for ${name}; filtering them here`, {
        selector: selectors[this.#selector]?.fields,
      })
      this.#selector++
      this.#watchVersion = undefined
      return 0
    }
    const versionIsBad = status === 400 || status === 410 || (failure instanceof ApiRefusal && failure.versionTooLarge)
    if (versionIsBad && this.#watchVersion !== undefined) return this.#relist(failure.message)
    if (versionIsBad && this.#listVersion !== '') {
      this.#listVersion = ''
      return 0
    }
    connectivity.reportFailure(name, failure)
    const waitMs = this.#afterFailure.nextDelayMs()
    return failure instanceof ApiRefusal ? Math.max(waitMs, failure.retryAfterMs ?? 0) : waitMs
  }

  #succeeded(): void {
    this.#afterFailure.reset()
    this.#options.connectivity.reportSuccess(this.#resource.name)
    this.#options.onCurrent?.()
  }

  #path(query: Record<string, string>): string {
    const { path, selectors } = this.#resource
    const selector = selectors[this.#selector]
    const parameters = new URLSearchParams()
    if (selector?.labels !== undefined) parameters.set('labelSelector', selector.labels)
    if (selector?.fields !== undefined) parameters.set('fieldSelector', selector.fields)
    for (const [key, value] of Object.entries(query)) parameters.set(key, value)
    return `${path}?${parameters.toString()}`
  }
}
