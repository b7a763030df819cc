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
/** How long a client waits for an answer, in milliseconds. */
const PATIENCE_MS = 1500
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

/** Clients that send requests to the Service again and again: two Pods to its ClusterIP, and a host outside to its node port. */
export class LiveTraffic {
  readonly clients: readonly LiveClient[]
  readonly #events = new EventEmitter<{ ended: [Ended]; idle: []; resumed: [] }>()
  readonly #requests: LiveRequest[] = []
  #isPaused = false
  #open = 0

  private constructor(clients: readonly LiveClient[]) {
    this.clients = clients
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
    // A client that has exited was ended by the teardown.
    for (const client of clients) void traffic.#sendAll(client).catch(() => undefined)
    return traffic
  }

  /** The last requests that have ended, the latest first. */
  get requests(): readonly LiveRequest[] {
    return this.#requests.toReversed()
  }

  /** Lets no new request begin. Resolves when none is open. */
  async pause(): Promise<void> {
    this.#isPaused = true
    while (this.#open > 0) await once(this.#events, 'idle')
  }

  /** Lets requests begin again. */
  resume(): void {
    this.#isPaused = false
    this.#events.emit('resumed')
  }

  /** Collects the requests that end from now on. Its function resolves with them when so many that began after the call have ended. */
  collect(): (count: number) => Promise<readonly LiveRequest[]> {
    const all: Ended[] = []
    const add = (ended: Ended): void => void all.push(ended)
    this.#events.on('ended', add)
    return async count => {
      const from = performance.now()
      while (all.filter(({ startedAt }) => startedAt >= from).length < count) await once(this.#events, 'ended')
      this.#events.off('ended', add)
      return all.map(({ request }) => request)
    }
  }

  async #sendAll({ name, url, client }: LiveClient): Promise<never> {
    for (;;) {
      while (this.#isPaused) await once(this.#events, 'resumed')
      this.#open++
      const startedAt = performance.now()
      const { pod = null, clientIP = null, error = null } = await client.send({ http: url, timeoutMs: PATIENCE_MS })
      const tookMs = Math.round(performance.now() - startedAt)
      this.#add({ request: { client: name, pod, clientIP, error, tookMs }, startedAt })
      await setTimeout(Math.max(0, PERIOD_MS - tookMs))
    }
  }

  #add(ended: Ended): void {
    this.#open--
    this.#requests.push(ended.request)
    if (this.#requests.length > MAX_REQUESTS) this.#requests.shift()
    this.#events.emit('ended', ended)
    if (this.#open === 0) this.#events.emit('idle')
  }
}
