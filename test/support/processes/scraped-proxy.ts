import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type MetricsText, parseMetrics } from '../../observe/metrics-text.js'
import { makeApiEndpoint, makeApiService, makeApiSlice } from '../api/api-objects.js'
import { NODE_IP, NodeNetwork, type TeardownScope } from '../nodes/node-network.js'
import { NodeProcess } from '../nodes/node-process.js'
import { changeLines } from './change-lines.js'
import { makeCertificate } from './installed-proxy.js'
import { ProxyProcess } from './proxy-process.js'

/** Asks each URL of the arguments; prints an array of the bodies. */
const ASK = `Promise.all(process.argv.slice(1).map(async url => (await fetch(url)).text())).then(all => console.log(JSON.stringify(all)))`
const NODE = {
  metadata: { name: 'this-node' },
  status: { addresses: [{ type: 'InternalIP', address: NODE_IP }] },
}
/** Some metrics exist only for a Service with a limit. */
const LIMIT = { 'kube-proxy-node/max-connections': '100' }
/** Flags: whatever the mode, the rules are checked every second, and a failed write is soon tried again. */
export const FREQUENT_SYNCS = ['--iptables-sync-period=1s', '--ipvs-sync-period=1s'] as const
/** Two Services that want the same health check port: an event is written about one of them. */
const HEALTH_PORT = 32100

/** A proxy with an API server on one node, for tests of what monitoring sees. */
export class ScrapedProxy {
  readonly network: NodeNetwork
  readonly proxy: ProxyProcess
  /** Its flags. */
  readonly flags: readonly string[]
  readonly #api: NodeProcess
  #changes = 0

  private constructor(network: NodeNetwork, api: NodeProcess, proxy: ProxyProcess, flags: readonly string[]) {
    this.network = network
    this.#api = api
    this.proxy = proxy
    this.flags = flags
  }

  static async start(
    t: TeardownScope,
    args: readonly string[] = [],
    env: NodeJS.ProcessEnv = process.env,
  ): Promise<ScrapedProxy> {
    const network = await NodeNetwork.create(t)
    const tls = makeCertificate(t)
    const api = new NodeProcess(network, 'api/api-server-entry', ['6443', tls.key, tls.certificate])
    await api.readLine()
    const flags = ['--kubeconfig', writeKubeconfig(t), '--hostname-override', NODE.metadata.name, ...args]
    const scraped = new ScrapedProxy(network, api, new ProxyProcess(network, flags, env), flags)
    await scraped.makeChanges()
    // Only a change after the start has a programming time.
    await scraped.makeChanges()
    return scraped
  }

  /** Changes a Service and its endpoints, and lets the proxy list everything again and write an event. */
  async makeChanges(): Promise<void> {
    const last = ++this.#changes
    const loadBalancer = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: HEALTH_PORT }
    const service = (name: string, clusterIP: string) => makeApiService({ name, clusterIP, spec: loadBalancer })
    const put = [
      ['nodes', NODE],
      [
        'services',
        makeApiService({
          clusterIP: `10.96.0.${last}`,
          annotations: LIMIT,
          ports: [{ name: 'http', protocol: 'TCP', port: 80, nodePort: 30080 }],
          spec: { type: 'NodePort' },
        }),
      ],
      ['services', service(`first-${last}`, `10.96.1.${last}`)],
      ['services', service(`second-${last}`, `10.96.2.${last}`)],
      [
        'endpointslices',
        makeApiSlice({ triggerTime: new Date().toISOString(), endpoints: [makeApiEndpoint(`10.244.0.${last}`)] }),
      ],
    ]
    const from = this.proxy.lines.length
    await this.#api.sendCommand({ put })
    await this.#api.sendCommand({ expire: true })
    await this.proxy.waitForLine(changeLines().services, from)
    await this.#api.sendCommand({ event: 'FailedToStartServiceHealthcheck' })
  }

  /** Creates or changes objects; resolves when the proxy has logged a line, by default that the Services are in the kernel. */
  async put(
    objects: readonly (readonly [resource: string, object: object])[],
    line = changeLines().services,
  ): Promise<void> {
    const from = this.proxy.lines.length
    await this.#api.sendCommand({ put: objects })
    await this.proxy.waitForLine(line, from)
  }

  /** The bodies of HTTP answers, asked for on the node. */
  async get(...urls: readonly string[]): Promise<readonly string[]> {
    const { stdout } = await this.network.node.run(process.execPath, ['-e', ASK, ...urls])
    return JSON.parse(stdout) as string[]
  }

  /** What Prometheus would see now. */
  async scrape(): Promise<MetricsText & { readonly text: string }> {
    const [text] = await this.get('http://127.0.0.1:10249/metrics')
    return { ...parseMetrics(text!), text: text! }
  }
}

/** A kubeconfig whose server has a name, and whose token comes from a command: some metrics are about these. */
function writeKubeconfig(t: TeardownScope): string {
  const folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: 'echo',
    args: [JSON.stringify({ status: { token: 'a-token' } })],
  }
  const config = {
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: 'https://localhost:6443', 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { exec } }],
  }
  const path = join(folder, 'kubeconfig')
  writeFileSync(path, JSON.stringify(config))
  return path
}
