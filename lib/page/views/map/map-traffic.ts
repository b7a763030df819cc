import { type ConnectionView } from '../../../status/connection-view.js'
import { type HappeningView } from '../../../status/happening-view.js'
import { type HappeningsEvent } from '../../../status/live-events.js'
import { ipOf } from '../packet/ip-of.js'

/** What has passed between a client and a Pod. */
export interface Pair {
  /** Its address without port. */
  readonly client: string
  /** `ip:port`; empty: no Pod took the client. */
  readonly pod: string
  open: number
  opened: number
  failed: number
  bytes: number
}

/** Pairs that are kept for one Service; what comes later is not counted. */
const MAX_PAIRS = 500

/** Ended connections that are remembered: the list of open ones may be older than their end. */
const MAX_ENDED = 5000

/** Counts what happens to the clients of each Service. */
export class MapTraffic {
  /** By the names of the Services. */
  readonly #pairs = new Map<string, Map<string, Pair>>()
  readonly #ended = new Set<string>()
  #busiest: string | undefined
  #isSampled = false

  /** @param before what has happened before; of it, only the busiest Service counts */
  constructor(before: readonly HappeningsEvent[]) {
    this.#busiest = busiestOf(before.flatMap(({ items }) => items))
  }

  /** Something has happened. */
  add({ items, isSampled }: HappeningsEvent): void {
    for (const item of items) this.#count(item)
    this.#busiest ??= busiestOf(items)
    this.#isSampled ||= isSampled
  }

  /** The Service with the most new connections when there were the first: it stays, so that the map does too. Undefined: there was none. */
  get busiest(): string | undefined {
    return this.#busiest
  }

  /** Whether there was more than the proxy has reported. */
  get isSampled(): boolean {
    return this.#isSampled
  }

  /** The pairs of a Service, with its connections that are open now. The busiest come first. */
  pairs(service: string, connections: readonly ConnectionView[]): Pair[] {
    const pairs = new Map([...(this.#pairs.get(service) ?? [])].map(([key, pair]) => [key, { ...pair }]))
    for (const connection of connections) {
      const { client, endpoint, bytesToEndpoint, bytesToClient } = connection
      if (this.#ended.has(keyOf(connection))) continue
      const pair = pairOf(pairs, client, endpoint)
      if (pair === undefined) continue
      pair.open++
      pair.bytes += (bytesToEndpoint ?? 0) + (bytesToClient ?? 0)
    }
    return [...pairs.values()].sort((a, b) => b.open + b.opened - a.open - a.opened)
  }

  #count(happening: HappeningView): void {
    const { what, client, endpoint, bytesToEndpoint, bytesToClient } = happening
    if (client === null) return
    if (what === 'ended') this.#noteEnd(keyOf(happening))
    const pairs = this.#pairs.get(serviceOf(happening)) ?? new Map<string, Pair>()
    this.#pairs.set(serviceOf(happening), pairs)
    const pair = pairOf(pairs, client, endpoint)
    if (pair === undefined) return
    if (what === 'opened') pair.opened++
    else if (what === 'ended') pair.bytes += (bytesToEndpoint ?? 0) + (bytesToClient ?? 0)
    else pair.failed++
  }

  #noteEnd(key: string): void {
    this.#ended.add(key)
    const [oldest] = this.#ended
    if (this.#ended.size > MAX_ENDED && oldest !== undefined) this.#ended.delete(oldest)
  }
}

/** What a connection is known by, in lists and in what happens. */
function keyOf({ pid, id }: { readonly pid: number; readonly id: number | null }): string {
  return `${pid} ${id}`
}

function serviceOf({ namespace, service }: HappeningView): string {
  return `${namespace}/${service}`
}

/** The Service with the most new connections. */
function busiestOf(items: readonly HappeningView[]): string | undefined {
  const counts = new Map<string, number>()
  for (const item of items)
    if (item.what === 'opened') counts.set(serviceOf(item), (counts.get(serviceOf(item)) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0]
}

function pairOf(pairs: Map<string, Pair>, client: string, endpoint: string | null): Pair | undefined {
  const [ip, pod] = [ipOf(client), endpoint ?? '']
  const key = `${ip} ${pod}`
  const known = pairs.get(key)
  if (known !== undefined || pairs.size >= MAX_PAIRS) return known
  const pair = { client: ip, pod, open: 0, opened: 0, failed: 0, bytes: 0 }
  pairs.set(key, pair)
  return pair
}
