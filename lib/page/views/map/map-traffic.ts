import { type ConnectionView } from '../../../status/connection-view.js'
import { type HappeningView } from '../../../status/happening-view.js'
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

/** Counts what happens to the clients of each Service. */
export class MapTraffic {
  readonly #services = new Map<string, { opened: number; readonly pairs: Map<string, Pair> }>()

  /** Something has happened. */
  add({ namespace, service: name, what, client, endpoint, bytesToEndpoint, bytesToClient }: HappeningView): void {
    if (client === null) return
    const key = `${namespace}/${name}`
    const service = this.#services.get(key) ?? { opened: 0, pairs: new Map<string, Pair>() }
    this.#services.set(key, service)
    if (what === 'opened') service.opened++
    const pair = pairOf(service.pairs, client, endpoint)
    if (pair === undefined) return
    if (what === 'opened') pair.opened++
    else if (what === 'ended') pair.bytes += (bytesToEndpoint ?? 0) + (bytesToClient ?? 0)
    else pair.failed++
  }

  /** The Service with the most new connections; undefined: there was none. */
  get busiest(): string | undefined {
    return [...this.#services].sort(([, a], [, b]) => b.opened - a.opened)[0]?.[0]
  }

  /** The pairs of a Service, with its connections that are open now. The busiest come first. */
  pairs(service: string, connections: readonly ConnectionView[]): Pair[] {
    const pairs = new Map([...(this.#services.get(service)?.pairs ?? [])].map(([key, pair]) => [key, { ...pair }]))
    for (const { client, endpoint, bytesToEndpoint, bytesToClient } of connections) {
      const pair = pairOf(pairs, client, endpoint)
      if (pair === undefined) continue
      pair.open++
      pair.bytes += (bytesToEndpoint ?? 0) + (bytesToClient ?? 0)
    }
    return [...pairs.values()].sort((a, b) => b.open + b.opened - a.open - a.opened)
  }
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
