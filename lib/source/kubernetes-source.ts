import { type Clock } from '../model/clock.js'
import { ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ObjectKind } from '../model/objects.js'
import { type ObjectStore } from '../snapshot/object-store.js'
import { Backoff } from './backoff.js'
import { ConnectivityLog } from './connectivity-log.js'
import { discoverEndpointsApi } from './discover-endpoints-api.js'
import { Freshness } from './freshness.js'
import { type KubeClient } from './kube-client.js'
import { DEFAULT_LIST_WATCH_TIMINGS, type ListWatchTimings } from './list-watch-timings.js'
import { ListWatch, type ListWatchOptions } from './list-watch.js'
import { pause } from '../primitives/pause.js'
import { type Source } from './source.js'
import { type ObjectSink } from './watch-once.js'
import {
  type EndpointsApi,
  SERVICES,
  type WatchedResource,
  endpointsResource,
  nodeResource,
} from './watched-resource.js'

/** The parts and settings of a `KubernetesSource`. */
export interface KubernetesSourceOptions {
  readonly client: KubeClient
  /** The name of the Node to follow; empty: none. */
  readonly nodeName: string
  readonly log: Log
  readonly clock: Clock
  /** Returns a number from 0 (inclusive) to 1 (exclusive); Math.random by default. */
  readonly random?: () => number
  /** Replaces parts of `DEFAULT_LIST_WATCH_TIMINGS`. */
  readonly timings?: Partial<ListWatchTimings>
}

/**
 * Services, their endpoints and the Node of this machine, from the API server of a cluster.
 *
 * Each of the three has a separate loop, so that one that the server refuses does not delay the others.
 */
export class KubernetesSource implements Source {
  readonly #options: KubernetesSourceOptions
  /** Not of the Node: Services are served without it. */
  readonly #freshness: Freshness<'services' | 'endpoints'>

  constructor(options: KubernetesSourceOptions) {
    this.#options = options
    this.#freshness = new Freshness(options.clock, ['services', 'endpoints'])
  }

  get ageMs(): number {
    return this.#freshness.ageMs
  }

  /** Tries forever; rejects only if the store throws. */
  async run(into: ObjectStore, signal: AbortSignal): Promise<void> {
    const { client, nodeName, log, clock } = this.#options
    const connectivity = new ConnectivityLog(log, client.server, clock)
    const controller = new AbortController()
    const stop = () => controller.abort(signal.reason)
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    const loops = [
      this.#follow(SERVICES, into, connectivity, controller.signal, () => this.#freshness.confirm('services')),
      this.#followEndpoints(into, connectivity, controller.signal),
      ...(nodeName === '' ? [] : [this.#follow(nodeResource(nodeName), into, connectivity, controller.signal)]),
    ]
    try {
      await Promise.all(loops)
    } finally {
      controller.abort()
      await Promise.allSettled(loops)
      signal.removeEventListener('abort', stop)
    }
  }

  /** Follows a resource that every cluster has. */
  async #follow(
    resource: WatchedResource,
    sink: ObjectSink,
    connectivity: ConnectivityLog,
    signal: AbortSignal,
    onCurrent: () => void = () => undefined,
  ): Promise<void> {
    await new ListWatch(resource, { ...this.#buildListWatchOptions(sink, connectivity), onCurrent }).run(signal)
  }

  /** Follows endpoints in the best API of the server, and discovers it again when the server responds with 404. */
  async #followEndpoints(store: ObjectSink, connectivity: ConnectivityLog, signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#options
    const { backoffFirstMs: firstMs, backoffMaxMs: maxMs } = this.#timings
    const retry = new Backoff({ firstMs, maxMs, random: this.#random, firstIsImmediate: true })
    let api: EndpointsApi | undefined
    /** The kind of the endpoints in the store. */
    let storedKind: ObjectKind | undefined
    while (!signal.aborted) {
      const discovered = await this.#discover(api, connectivity, signal)
      if (discovered === undefined) return
      if (discovered !== api) log.info(0, 'Reading endpoints from the API', { api: discovered })
      api = discovered
      const resource = endpointsResource(api)
      const sink: ObjectSink = {
        replace: (kind, raws) => {
          store.replace(kind, raws)
          // Not earlier: until the new list has arrived, the old endpoints must serve.
          if (storedKind !== undefined && storedKind !== kind) store.replace(storedKind, [])
          storedKind = kind
        },
        upsert: (kind, raw) => store.upsert(kind, raw),
        remove: (kind, raw) => store.remove(kind, raw),
      }
      const startedAt = clock.now()
      const onCurrent = (): void => this.#freshness.confirm('endpoints')
      const listWatch = new ListWatch(resource, { ...this.#buildListWatchOptions(sink, connectivity), onCurrent })
      const end = await listWatch.run(signal)
      if (clock.now() - startedAt >= this.#timings.healthyMs) retry.reset()
      if (end === 'not-found') await pause(clock, retry.nextDelayMs(), signal)
    }
  }

  /** Tries until it succeeds; undefined if the signal is aborted first. */
  async #discover(
    missingApi: EndpointsApi | undefined,
    connectivity: ConnectivityLog,
    signal: AbortSignal,
  ): Promise<EndpointsApi | undefined> {
    const { client, clock } = this.#options
    const { backoffFirstMs: firstMs, backoffMaxMs: maxMs } = this.#timings
    const retry = new Backoff({ firstMs, maxMs, random: this.#random })
    while (!signal.aborted) {
      try {
        const api = await discoverEndpointsApi(client, missingApi, signal)
        connectivity.reportSuccess('API discovery')
        return api
      } catch (error) {
        if (!(error instanceof ProxyFailure)) throw error
        if (signal.aborted) return undefined
        connectivity.reportFailure('API discovery', error)
        await pause(clock, retry.nextDelayMs(), signal)
      }
    }
    return undefined
  }

  #buildListWatchOptions(sink: ObjectSink, connectivity: ConnectivityLog): ListWatchOptions {
    const { client, clock, log } = this.#options
    return { client, clock, log, connectivity, sink, timings: this.#timings, random: this.#random }
  }

  get #timings(): ListWatchTimings {
    return { ...DEFAULT_LIST_WATCH_TIMINGS, ...this.#options.timings }
  }

  get #random(): () => number {
    return this.#options.random ?? Math.random
  }
}
