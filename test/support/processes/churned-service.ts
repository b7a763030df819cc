import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { NodeProcess } from '../nodes/node-process.js'
import { makeSliceManifest, makeServiceManifest } from '../api/manifests.js'
import { NodeNetwork, type TeardownScope } from '../nodes/node-network.js'
import { ProxyProcess } from './proxy-process.js'

const LOAD_CLIENT = fileURLToPath(new URL('../pods/load-client.js', import.meta.url))
const CHURN_PERIOD_MS = 100
const POD_COUNT = 6
/** Short conntrack timeouts and quick reuse of ports, so that the client's kernel is not the bottleneck. */
const SYSCTLS = [
  'net.ipv4.tcp_tw_reuse=1',
  'net.ipv4.ip_local_port_range=1024 65535',
  'net.netfilter.nf_conntrack_tcp_timeout_time_wait=1',
  'net.netfilter.nf_conntrack_tcp_timeout_close=1',
]

/** How the connections of a load ended, and how many each Pod answered. */
export interface LoadResult {
  readonly outcomes: Readonly<Record<string, number>>
  readonly answers: Readonly<Record<string, number>>
}

/**
 * One Service whose endpoints change every 100 ms, each time to another three of six live Pods and one address where
 * no process listens. So every lost connection is the proxy's fault.
 */
export class ChurnedService {
  readonly #network: NodeNetwork
  readonly #api: NodeProcess
  readonly proxy: ProxyProcess

  private constructor(network: NodeNetwork, api: NodeProcess, proxy: ProxyProcess) {
    this.#network = network
    this.#api = api
    this.proxy = proxy
  }

  static async start(t: TeardownScope): Promise<ChurnedService> {
    const network = await NodeNetwork.create(t)
    const pods = await Promise.all(Array.from({ length: POD_COUNT }, (_, n) => network.addServer(`pod${n}`)))
    const dead = await network.addPod()
    for (const setting of SYSCTLS) await network.node.run('sysctl', ['-qw', setting])
    const api = new NodeProcess(network, 'api/api-server-entry')
    const url = await api.readLine()
    const slices = Array.from({ length: 20 }, (_, n) =>
      makeSliceManifest(
        'web',
        [...[0, 1, 2].map(i => pods[(n * 5 + i * (1 + (n % 2))) % POD_COUNT]!.ip), dead.ip],
        8080,
      ),
    )
    const churn = { ms: CHURN_PERIOD_MS, slices }
    await api.sendCommand({
      put: [
        ['services', makeServiceManifest('web', { clusterIP: '10.96.0.10', port: 80 })],
        ['endpointslices', slices[0]],
      ],
      churn,
    })
    const proxy = new ProxyProcess(network, ['--master', url, '-v=1'])
    await proxy.waitForLine(/"Serving"/)
    return new ChurnedService(network, api, proxy)
  }

  /** Opens `count` connections from a Pod, `width` at a time, or all at once without it. */
  async runLoad(count: number, width?: number): Promise<LoadResult> {
    const { namespace } = await this.#network.addPod()
    for (const setting of SYSCTLS) await namespace.run('sysctl', ['-qw', setting])
    const kind = width === undefined ? ['concurrent', String(count)] : ['sequential', String(count), String(width)]
    const client = this.#network.start(namespace, process.execPath, [LOAD_CLIENT, '10.96.0.10', '80', ...kind])
    client.stderr!.pipe(process.stderr)
    for await (const line of createInterface({ input: client.stdout! })) return JSON.parse(line) as LoadResult
    throw new Error('The load client ended without a result')
  }

  /** Stops the churn. @returns how often the endpoints have changed */
  async stopChurn(): Promise<number> {
    return (JSON.parse(await this.#api.sendCommand({})) as { churned: number }).churned
  }
}
