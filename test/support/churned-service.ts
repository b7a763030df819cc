import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { InsideNode } from './inside-node.js'
import { endpointSlice, service } from './manifests.js'
import { NodeNetwork, type Teardown } from './node-network.js'
import { ProxyProcess } from './proxy-process.js'

const LOAD_CLIENT = fileURLToPath(new URL('load-client.js', import.meta.url))
const CHURN_MS = 100
const PODS = 6
/** Short times in conntrack and quick reuse of ports, so that the client's kernel is not what runs out. */
const SYSCTLS = [
  'net.ipv4.tcp_tw_reuse=1',
  'net.ipv4.ip_local_port_range=1024 65535',
  'net.netfilter.nf_conntrack_tcp_timeout_time_wait=1',
  'net.netfilter.nf_conntrack_tcp_timeout_close=1',
]

/** How a load's connections ended, and who answered how many. */
export interface LoadResult {
  readonly outcomes: Readonly<Record<string, number>>
  readonly answers: Readonly<Record<string, number>>
}

/**
 * One Service whose endpoints are replaced every 100 ms, each time by other three of six live Pods and one address where
 * nobody listens: whoever is lost here was lost by the proxy.
 */
export class ChurnedService {
  readonly #network: NodeNetwork
  readonly #api: InsideNode
  readonly proxy: ProxyProcess

  private constructor(network: NodeNetwork, api: InsideNode, proxy: ProxyProcess) {
    this.#network = network
    this.#api = api
    this.proxy = proxy
  }

  static async start(t: Teardown): Promise<ChurnedService> {
    const network = await NodeNetwork.create(t)
    const pods = await Promise.all(Array.from({ length: PODS }, (_, n) => network.addServer(`pod${n}`)))
    const dead = await network.addPod()
    for (const setting of SYSCTLS) await network.node.run('sysctl', ['-qw', setting])
    const api = new InsideNode(network, 'api-server-inside')
    const url = await api.line()
    const slices = Array.from({ length: 20 }, (_, n) =>
      endpointSlice('web', [...[0, 1, 2].map(i => pods[(n * 5 + i * (1 + (n % 2))) % PODS]!.ip), dead.ip], 8080),
    )
    const churn = { ms: CHURN_MS, slices }
    await api.command({
      put: [
        ['services', service('web', { clusterIP: '10.96.0.10', port: 80 })],
        ['endpointslices', slices[0]],
      ],
      churn,
    })
    const proxy = new ProxyProcess(network, ['--master', url, '-v=1'])
    await proxy.line(/"Serving"/)
    return new ChurnedService(network, api, proxy)
  }

  /** Makes `count` connections from a Pod; `width` of them at a time, or all at once when it is left out. */
  async load(count: number, width?: number): Promise<LoadResult> {
    const { namespace } = await this.#network.addPod()
    for (const setting of SYSCTLS) await namespace.run('sysctl', ['-qw', setting])
    const kind = width === undefined ? ['concurrent', String(count)] : ['sequential', String(count), String(width)]
    const client = this.#network.start(namespace, process.execPath, [LOAD_CLIENT, '10.96.0.10', '80', ...kind])
    client.stderr!.pipe(process.stderr)
    for await (const line of createInterface({ input: client.stdout! })) return JSON.parse(line) as LoadResult
    throw new Error('The load client ended without a result')
  }

  /** How often the endpoints have been replaced so far. Ends the churn. */
  async stopChurn(): Promise<number> {
    return (JSON.parse(await this.#api.command({})) as { churned: number }).churned
  }
}
