import { setTimeout as pause } from 'node:timers/promises'
import { type NetworkNamespace } from '../../../lib/demo/network-namespace.js'
import { NodeNetwork, type TeardownScope } from '../../../test/support/nodes/node-network.js'
import { sharedClockMs } from '../measure/shared-clock.js'
import { makeEndpointObjects, makeApiObjects } from '../testbed/api-objects.js'
import { BenchApi } from '../testbed/bench-api.js'
import { type BenchService } from '../testbed/bench-service.js'
import { type LoadReport } from './load/load-report.js'
import { LOAD } from './load/load-size.js'
import { ReliabilityLoad } from './load/reliability-load.js'
import { type MeasuredProxy } from './measured-proxy.js'
import { type Setup } from './setups.js'
import { RuleWatch } from './watch/rule-watch.js'

/** How long a supervisor waits before it starts a proxy again, in milliseconds. */
export const RESTART_DELAY_MS = 1000
/** How long the load runs before the event, and how long at least after the end of the case, in milliseconds. */
const LEAD_MS = 2000
const TAIL_MS = 2000

const WEB = { name: 'web', clusterIP: '10.96.0.10', port: 80, protocol: 'TCP', targetPort: 8080 } as const

/** A node of its own for one case: two Pods behind a Service, a Pod with clients, an API server, and the proxies. */
export class CaseSite {
  readonly setup: Setup
  readonly network: NodeNetwork
  readonly #api: BenchApi
  readonly #podIPs: readonly string[]
  readonly #clients: NetworkNamespace
  readonly #watch: RuleWatch
  readonly #proxies: MeasuredProxy[] = []
  #load: ReliabilityLoad | undefined
  #eventAt = NaN
  #drainFrom: number | undefined

  static async create(t: TeardownScope, setup: Setup): Promise<CaseSite> {
    const network = await NodeNetwork.create(t)
    const podIPs = [(await network.addServer('a')).ip, (await network.addServer('b')).ip]
    const clients = await network.addPod()
    const api = await BenchApi.start(network, makeApiObjects(makeService(podIPs)))
    const watch = new RuleWatch(network, WEB, clients.ip, setup.servesBy)
    return new CaseSite(setup, network, api, podIPs, clients.namespace, watch)
  }

  private constructor(
    setup: Setup,
    network: NodeNetwork,
    api: BenchApi,
    podIPs: readonly string[],
    clients: NetworkNamespace,
    watch: RuleWatch,
  ) {
    this.setup = setup
    this.network = network
    this.#api = api
    this.#podIPs = podIPs
    this.#clients = clients
    this.#watch = watch
  }

  /** Starts a proxy. @returns it, before it serves */
  launch(): MeasuredProxy {
    const proxy = this.setup.start(this.network, this.#api)
    this.#watch.addProxy(this.#proxies.length === 0 ? 'old proxy' : 'new proxy', proxy.pid)
    this.#proxies.push(proxy)
    return proxy
  }

  /** Starts a proxy as a supervisor does some time after the end of the last one. Resolves when its rules are in the kernel. */
  async restart(): Promise<MeasuredProxy> {
    await pause(RESTART_DELAY_MS)
    const proxy = this.launch()
    await proxy.ready
    return proxy
  }

  /** Starts the clients, and waits until they have run for a while. @param open number of connections that stay open */
  async startLoad(open = LOAD.openConnections): Promise<void> {
    this.#load = await ReliabilityLoad.start(this.network, this.#clients, WEB, open)
    await pause(LEAD_MS)
  }

  /** The event of the case happens now. */
  markEvent(): void {
    this.#eventAt = sharedClockMs()
  }

  /** The drain timeout of open connections begins now. */
  markDrain(): void {
    this.#drainFrom = sharedClockMs()
  }

  /** One of the two Pods is gone. */
  async removeFirstPod(): Promise<void> {
    await this.#api.put(makeEndpointObjects(makeService(this.#podIPs), this.#podIPs.slice(1)))
  }

  /** Ends the clients. @param moreMs how long the load runs on, in milliseconds */
  async finish(moreMs = 0): Promise<CaseRecord> {
    await pause(moreMs + TAIL_MS)
    const load = await this.#load!.stop()
    this.#watch.stop()
    return {
      load,
      states: this.#watch.states,
      eventAt: this.#eventAt,
      drainFrom: this.#drainFrom,
      endedAt: sharedClockMs(),
    }
  }

  /** The last lines of the logs of all proxies, for the message of a failure. */
  get logs(): string {
    return this.#proxies.map(({ log }) => log.slice(-12).join('\n')).join('\n---\n')
  }

  stop(): void {
    this.#api.stop()
  }
}

function makeService(endpoints: readonly string[]): BenchService {
  return { ...WEB, endpoints }
}

/** What happened in one case, in milliseconds of the shared clock. */
export interface CaseRecord {
  readonly load: LoadReport
  readonly states: RuleWatch['states']
  readonly eventAt: number
  /** From then on open connections may continue for the drain timeout; undefined: nothing limits them. */
  readonly drainFrom: number | undefined
  readonly endedAt: number
}
