import { EventEmitter, once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { DemoClient } from '../demo/demo-client.js'
import { type DemoCluster } from '../demo/demo-cluster.js'
import { NODE_IP, OUTSIDE_IP } from '../demo/demo-network.js'
import { type Teardown } from '../demo/teardown.js'
import { type LiveRequest } from './demo-document.js'
import { LIVE_NODE_PORT } from './live-service.js'

/** Each client sends a request, waits for its answer, and for the rest of this time. In milliseconds. */
const PERIOD_MS = 500
/** How long a client waits for an answer, in milliseconds: a slow Pod answers well before. */
const PATIENCE_MS = 3000
/** The longest wait for what clients do, in milliseconds. */
const LIMIT_MS = 60_000
/** Requests that are remembered. */
const MAX_REQUESTS = 60

interface LiveClient {
  readonly name: string
  readonly url: string
  readonly client: DemoClient
}

/** A request that has ended. */
interface Ended {
  readonly request: LiveRequest
  /** Of a clock that is never set, in milliseconds. */
  readonly startedAt: number
}

/** Requests around a change. */
export interface Watched {
  /** They began before its end. */
  readonly during: readonly LiveRequest[]
  /** They began after its end: as many of each client. */
  readonly after: readonly LiveRequest[]
}

/** Clients that send requests to the Service again and again: two Pods to its ClusterIP, and a host outside to its node port. */
export class LiveTraffic {
  readonly clients: readonly LiveClient[]
  readonly #events = new EventEmitter<{ ended: [Ended]; changed: []; resumed: [] }>()
  /** The names of the clients that have not exited. */
  readonly #living: Set<string>
  readonly #requests: LiveRequest[] = []
  #isPaused = false
  #open = 0

  private constructor(clients: readonly LiveClient[]) {
    this.clients = clients
    this.#living = new Set(clients.map(({ name }) => name))
  }

  /** Starts the clients. They end with the cluster. @param clusterIP of the Service */
  static async start({ network }: DemoCluster, clusterIP: string, teardown: Teardown): Promise<LiveTraffic> {
    const inside = `http://${clusterIP}/`
    const clients: LiveClient[] = []
    for (const name of ['client-a', 'client-b']) {
      const { namespace, ip } = await network.addPod(name)
      clients.push({ name, url: inside, client: await DemoClient.start(namespace, ip, teardown) })
    }
    const outside = await DemoClient.start(network.outside, OUTSIDE_IP, teardown)
    clients.push({ name: 'outside', url: `http://${NODE_IP}:${LIVE_NODE_PORT}/`, client: outside })
    const traffic = new LiveTraffic(clients)
    for (const client of clients) void traffic.#sendUntilExit(client)
    return traffic
  }

  /** The last requests that have ended, the latest first. */
  get requests(): readonly LiveRequest[] {
    return this.#requests.toReversed()
  }

  /** Lets no new request begin. Resolves when none is open. @throws Error if one takes too long; nothing begins then either */
  async pause(): Promise<void> {
    this.#isPaused = true
    await this.#until(() => this.#open === 0, 'Requests are still open')
  }

  /** Lets requests begin again. */
  resume(): void {
    this.#isPaused = false
    this.#events.emit('resumed')
  }

  /**
   * Collects the requests that end during a change, and after it until each client that lives has sent so many.
   * @throws Error if they take too long, and what the change throws
   */
  async watch(change: () => Promise<void>, count: number): Promise<Watched> {
    const all: Ended[] = []
    const add = (ended: Ended): void => void all.push(ended)
    this.#events.on('ended', add)
    try {
      await change()
      const from = performance.now()
      const after = (name: string): Ended[] =>
        all.filter(({ request, startedAt }) => request.client === name && startedAt >= from).slice(0, count)
      await this.#until(
        () => [...this.#living].every(name => after(name).length === count),
        `Not every client has sent ${count} requests after the change`,
      )
      return {
        during: all.filter(({ startedAt }) => startedAt < from).map(({ request }) => request),
        after: this.clients.flatMap(({ name }) => after(name)).map(({ request }) => request),
      }
    } finally {
      this.#events.off('ended', add)
    }
  }

  /** @param problem what is wrong if it takes too long */
  async #until(isReached: () => boolean, problem: string): Promise<void> {
    const signal = AbortSignal.timeout(LIMIT_MS)
    while (!isReached())
      await once(this.#events, 'changed', { signal }).catch((cause: unknown) => {
        throw new Error(`${problem}, ${LIMIT_MS / 1000} s later`, { cause })
      })
  }

  async #sendUntilExit({ name, url, client }: LiveClient): Promise<void> {
    try {
      for (;;) await this.#sendOne(name, url, client)
    } catch {
      // The client has exited: the teardown has ended it, or a user.
      this.#living.delete(name)
      this.#events.emit('changed')
    }
  }

  async #sendOne(name: string, url: string, client: DemoClient): Promise<void> {
    while (this.#isPaused) await once(this.#events, 'resumed')
    this.#open++
    const startedAt = performance.now()
    try {
      const { pod = null, clientIP = null, error = null } = await client.send({ http: url, timeoutMs: PATIENCE_MS })
      const tookMs = Math.round(performance.now() - startedAt)
      this.#add({ request: { client: name, pod, clientIP, error, tookMs }, startedAt })
    } finally {
      this.#open--
      this.#events.emit('changed')
    }
    await setTimeout(Math.max(0, PERIOD_MS - (performance.now() - startedAt)))
  }

  #add(ended: Ended): void {
    this.#requests.push(ended.request)
    if (this.#requests.length > MAX_REQUESTS) this.#requests.shift()
    this.#events.emit('ended', ended)
  }
}
