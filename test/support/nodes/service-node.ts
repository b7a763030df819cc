import { once } from 'node:events'
import { type Test } from 'tap'
import { SteadyTraffic, type TrafficPlan } from '../faults/steady-traffic.js'
import { countLost } from '../faults/traffic-counts.js'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../api/manifests.js'
import { PersistentConnection } from '../pods/persistent-connection.js'
import { ProxyProcess } from '../processes/proxy-process.js'
import { NODE_IP, NODE_IP6, NetworkClient, NodeNetwork } from './node-network.js'
import { TIMEOUT_FACTOR } from './timeout-factor.js'

/** The family of all addresses that a `ServiceNode` uses. */
export type ServiceFamily = 'IPv4' | 'IPv6'

type Server = Awaited<ReturnType<NodeNetwork['addServer']>>

const ADDRESSES = {
  IPv4: { node: NODE_IP, web: '10.96.0.10', dns: '10.96.0.53', pod: 'ip' },
  IPv6: { node: NODE_IP6, web: 'fd00:96::a', dns: 'fd00:96::53', pod: 'ip6' },
} as const
/** How long a proxy may take to notice a change: twice its longest pause between requests to an API server. */
const CONVERGENCE_LIMIT_MS = 60_000 * TIMEOUT_FACTOR
/** How long a small program of Node.js may take on the node. */
const PROGRAM_TIMEOUT_MS = 20_000 * TIMEOUT_FACTOR
/** New connections per second of all loads together. */
const RATE = 200 / TIMEOUT_FACTOR
/** What each client of the steady traffic of a fault sends: little, so that the machine is not the bottleneck. */
const FAULT_TRAFFIC = {
  newConnections: 50 / TIMEOUT_FACTOR,
  udpRequests: 20 / TIMEOUT_FACTOR,
  openConnections: 20,
}

/**
 * A node for tests that start and end proxies: the Services `web` (TCP, with a NodePort) and `dns` (UDP), the Pods `a` and `b` behind
 * both, and a third Pod for clients.
 */
export class ServiceNode {
  readonly network: NodeNetwork
  readonly manifests: ManifestFolder
  /** The Pods `a` and `b`. */
  readonly servers: readonly Server[]
  /** Their addresses. */
  readonly ips: readonly string[]
  readonly web: { readonly clusterIP: string; readonly port: number; readonly nodePort: number }
  readonly dns: { readonly clusterIP: string; readonly port: number; readonly protocol: 'UDP' }
  readonly nodeIP: string
  /** Sends requests from the third Pod. */
  readonly client: NetworkClient
  /** The address of the third Pod. */
  readonly clientIP: string
  readonly #pod: Awaited<ReturnType<NodeNetwork['addPod']>>
  readonly #family: ServiceFamily
  readonly #flags: readonly string[]

  /** @param flags of each proxy */
  static async create(t: Test, flags: readonly string[], family: ServiceFamily = 'IPv4'): Promise<ServiceNode> {
    const network = await NodeNetwork.create(t)
    const servers = [await network.addServer('a'), await network.addServer('b')]
    return new ServiceNode(network, new ManifestFolder(t), servers, await network.addPod(), family, flags)
  }

  private constructor(
    network: NodeNetwork,
    manifests: ManifestFolder,
    servers: readonly Server[],
    pod: Awaited<ReturnType<NodeNetwork['addPod']>>,
    family: ServiceFamily,
    flags: readonly string[],
  ) {
    const { web, dns, node } = ADDRESSES[family]
    this.network = network
    this.manifests = manifests
    this.servers = servers
    this.ips = servers.map(server => server[ADDRESSES[family].pod])
    this.web = { clusterIP: web, port: 80, nodePort: 30080 }
    this.dns = { clusterIP: dns, port: 53, protocol: 'UDP' }
    this.nodeIP = node
    this.#pod = pod
    this.client = new NetworkClient(network, pod.namespace)
    this.clientIP = pod[ADDRESSES[family].pod]
    this.#family = family
    this.#flags = flags
    this.write(this.ips)
  }

  /** Writes the manifests of both Services, with these endpoints and further objects. */
  write(endpoints: readonly string[], ...objects: readonly object[]): void {
    this.manifests.write(...this.services, ...this.slices(endpoints), ...objects)
  }

  /** Both Services. */
  get services(): readonly object[] {
    return [makeServiceManifest('web', this.web), makeServiceManifest('dns', this.dns)]
  }

  /** The slices of both Services with these endpoints. */
  slices(endpoints: readonly string[]): readonly object[] {
    return [makeSliceManifest('web', endpoints, 8080), makeSliceManifest('dns', endpoints, 5353, 'UDP')]
  }

  /** Starts a proxy, and does not wait for it. @param nodeArgs arguments of Node.js */
  launch(flags: readonly string[] = [], env = process.env, nodeArgs: readonly string[] = []): ProxyProcess {
    const args = ['--manifests', this.manifests.path, ...this.#flags, ...flags]
    return new ProxyProcess(this.network, args, env, undefined, undefined, nodeArgs)
  }

  /** Starts a proxy, and waits until its rules are in the kernel. */
  async start(...how: Parameters<ServiceNode['launch']>): Promise<ProxyProcess> {
    const proxy = this.launch(...how)
    await proxy.waitForLine(this.synced)
    return proxy
  }

  /** The log line of a write of the rules. */
  get synced(): RegExp {
    return new RegExp(`Synced rules" family="${this.#family}"`)
  }

  /** Runs a JavaScript program on the node. @returns what it prints */
  async run(program: string): Promise<string> {
    const limit = { timeoutMs: PROGRAM_TIMEOUT_MS }
    return (await this.network.node.run(process.execPath, ['-e', program], limit)).stdout
  }

  /** The statuses of `/healthz`, `/readyz` and `/livez`; empty while no proxy has the port. */
  async probe(): Promise<readonly number[]> {
    const program = `Promise.all(['healthz', 'readyz', 'livez'].map(path => fetch('http://127.0.0.1:10256/' + path)))
      .then(all => all.map(({ status }) => status), () => [])
      .then(statuses => console.log(JSON.stringify(statuses)))`
    return JSON.parse(await this.run(program)) as number[]
  }

  /** One gauge without labels of the proxy that has the port of metrics; NaN while no proxy has it. */
  async gauge(name: string): Promise<number> {
    const text = await this.run(
      `fetch('http://127.0.0.1:10249/metrics').then(r => r.text()).then(console.log, () => undefined)`,
    )
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
  }

  /** Opens a connection from the third Pod to `web`. Either Pod returns each line. */
  async connect(): Promise<PersistentConnection> {
    const connection = new PersistentConnection(this.network, this.#pod.namespace, this.web.clusterIP, this.web.port)
    const answer = await connection.send('echo')
    if (answer !== 'echo') throw new Error(`The connection did not open: ${answer}`)
    return connection
  }

  /** Starts new connections at a fixed rate: from the third Pod to the ClusterIP, and from the node to the NodePort. */
  startLoads(): Promise<readonly SteadyTraffic[]> {
    const { clusterIP, port, nodePort } = this.web
    const rate = RATE / 2
    return Promise.all([
      SteadyTraffic.start(this.network, this.#pod.namespace, { newConnections: { ip: clusterIP, port, rate } }),
      SteadyTraffic.start(this.network, this.network.node, {
        newConnections: { ip: this.nodeIP, port: nodePort, rate },
      }),
    ])
  }

  /** Ends the loads; the test fails if a connection was lost. */
  async checkLoads(t: Test, loads: readonly SteadyTraffic[]): Promise<void> {
    for (const { newConnections } of await Promise.all(loads.map(load => load.stop()))) {
      t.strictSame(newConnections.lost, {}, `none of ${newConnections.attempted} was lost`)
      t.ok(newConnections.attempted > countLost(newConnections))
    }
  }

  /**
   * Starts the steady traffic for a fault: new and open connections and UDP requests from the third Pod to the ClusterIPs, and new
   * connections from the node to the NodePort. Resolves when the open connections are open.
   */
  startTraffic(how: Pick<TrafficPlan, 'isPatient'> = {}): Promise<readonly SteadyTraffic[]> {
    return this.#startClients(this.#openConnections, how)
  }

  /** The same without open connections. */
  startRequests(): Promise<readonly SteadyTraffic[]> {
    return this.#startClients({})
  }

  /** The open connections alone. Resolves when they are open. */
  startOpenConnections(): Promise<SteadyTraffic> {
    return SteadyTraffic.start(this.network, this.#pod.namespace, this.#openConnections)
  }

  get #openConnections(): TrafficPlan {
    const { clusterIP: ip, port } = this.web
    return { openConnections: { ip, port, count: FAULT_TRAFFIC.openConnections } }
  }

  #startClients(more: TrafficPlan, how: Pick<TrafficPlan, 'isPatient'> = {}): Promise<readonly SteadyTraffic[]> {
    const { clusterIP: ip, port, nodePort } = this.web
    const { newConnections: rate, udpRequests } = FAULT_TRAFFIC
    return Promise.all([
      SteadyTraffic.start(this.network, this.#pod.namespace, {
        newConnections: { ip, port, rate },
        udpRequests: { ip: this.dns.clusterIP, port: this.dns.port, rate: udpRequests },
        ...more,
        ...how,
      }),
      SteadyTraffic.start(this.network, this.network.node, {
        newConnections: { ip: this.nodeIP, port: nodePort, rate },
        ...how,
      }),
    ])
  }

  /** Resolves when a Pod answers to the ClusterIP of `web`. @throws Error after a minute */
  async waitForPod(name: string): Promise<void> {
    const limit = performance.now() + CONVERGENCE_LIMIT_MS
    while ((await this.client.tcp(this.web.clusterIP, this.web.port)) !== name)
      if (performance.now() > limit) throw new Error(`Pod ${name} gets no connection after ${CONVERGENCE_LIMIT_MS} ms`)
  }

  /** The rules of the table nat in the kernel. */
  async rules(): Promise<readonly string[]> {
    const { stdout } = await this.network.node.run('iptables-save', ['-t', 'nat'])
    return stdout.split('\n').filter(line => line.startsWith('-A'))
  }

  /** The path of the program that writes IPv4 rules on this machine. */
  async restoreProgram(): Promise<string> {
    const { stdout } = await this.network.node.run('iptables', ['--version'])
    return `/usr/sbin/iptables-${stdout.includes('nf_tables') ? 'nft' : 'legacy'}-restore`
  }

  /** Kills the control process of a proxy, and waits until it has exited. */
  async kill({ child }: ProxyProcess): Promise<void> {
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
}
