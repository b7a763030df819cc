import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { NetworkNamespace } from '../../../lib/demo/network-namespace.js'
import { TIMEOUT_FACTOR } from './timeout-factor.js'

export const NODE_IP = '192.168.50.1'
export const NODE_IP6 = 'fd00:50::1'
const POD_SERVER = fileURLToPath(new URL('../pods/pod-server.js', import.meta.url))
const POD_CLIENT = fileURLToPath(new URL('../pods/pod-client.js', import.meta.url))

/** How long a program may take in a namespace, in milliseconds, unless a test says otherwise. */
const PROGRAM_TIMEOUT_MS = 20_000 * TIMEOUT_FACTOR
/** The reason why these tests cannot run here, or false: they need root and the programs that `npm test` installs. */
export const namespacesUnavailable = process.getuid?.() === 0 ? false : 'needs root for network namespaces'

/**
 * Arguments of `env`: children of the tests start without the loader that tap puts into
 * NODE_OPTIONS. It costs each child a tenth of a second, and fails if a child runs as another user.
 */
export const WITHOUT_TAP_LOADER: readonly string[] = ['-u', 'NODE_OPTIONS']

let networkCount = 0

/** Takes actions to run at the end, as a tap test does. */
export interface TeardownScope {
  teardown(action: () => unknown): void
}

/** How a Pod is attached to the node. */
export type Attachment =
  | 'bridge'
  /** A point-to-point interface without an address on the node's side, as Calico creates it. */
  | 'no-address'
  /** An interface whose first address is not the one that routing selects for the Pod. */
  | 'two-addresses'

/**
 * A node and its Pods: one network namespace each, without a connection to other networks.
 *
 *     node  192.168.50.1 (eth0, default route) ── cni0 10.244.0.1/24 ── Pods 10.244.0.N
 */
export class NodeNetwork {
  readonly node: NetworkNamespace
  readonly #prefix: string
  readonly #namespaces: NetworkNamespace[]
  readonly #children: ChildProcess[] = []
  #pods = 0
  #hosts = 0

  private constructor(prefix: string, node: NetworkNamespace) {
    this.#prefix = prefix
    this.node = node
    this.#namespaces = [node]
  }

  static async create(t: TeardownScope): Promise<NodeNetwork> {
    const prefix = `kpn${process.pid}-${networkCount++}`
    const network = new NodeNetwork(prefix, await NetworkNamespace.create(`${prefix}-node`, PROGRAM_TIMEOUT_MS))
    t.teardown(() => network.#destroy())
    // Addresses of the kernel's own that are ready seconds later make a browser give up what it asks for (ERR_NETWORK_CHANGED).
    await network.node.run('sysctl', ['-qw', 'net.ipv6.conf.all.accept_dad=0', 'net.ipv6.conf.default.accept_dad=0'])
    await network.node.configure(
      'link add cni0 address 02:00:0a:f4:00:01 type bridge',
      'address add 10.244.0.1/24 dev cni0',
      'address add fd00:244::1/64 dev cni0 nodad',
      'link set cni0 up',
      'link add eth0 type veth peer name uplink',
      `address add ${NODE_IP}/24 dev eth0`,
      `address add ${NODE_IP6}/64 dev eth0 nodad`,
      'link set eth0 up',
      'link set uplink up',
      'route add default via 192.168.50.254',
      'route add ::/0 via fd00:50::fe dev eth0',
    )
    await network.node.run('sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'])
    return network
  }

  /** Adds a Pod: a namespace with its own address, without processes. */
  async addPod(
    attachment: Attachment = 'bridge',
  ): Promise<{ namespace: NetworkNamespace; ip: string; link: string; ip6: string }> {
    const number = ++this.#pods + 1
    const namespace = await NetworkNamespace.create(`${this.#prefix}-pod${number}`, PROGRAM_TIMEOUT_MS)
    this.#namespaces.push(namespace)
    const link = `veth${number}`
    const ip6 = `fd00:244::${number.toString(16)}`
    const ip = attachment === 'bridge' ? `10.244.0.${number}` : `10.244.${number}.2`
    await this.node.configure(`link add ${link} type veth peer name eth0 netns ${namespace.name}`)
    switch (attachment) {
      case 'bridge':
        await this.node.configure(`link set ${link} master cni0 up`)
        await namespace.configure(
          `address add ${ip}/24 dev eth0`,
          `address add ${ip6}/64 dev eth0 nodad`,
          'link set eth0 up',
          'route add default via 10.244.0.1',
          'route add ::/0 via fd00:244::1',
        )
        break
      case 'no-address':
        await this.node.run('sysctl', ['-qw', `net.ipv4.conf.${link}.proxy_arp=1`])
        await this.node.configure(`link set ${link} up`, `route add ${ip}/32 dev ${link}`)
        await namespace.configure(
          `address add ${ip}/32 dev eth0`,
          'link set eth0 up',
          'route add 169.254.1.1 dev eth0 scope link',
          'route add default via 169.254.1.1',
        )
        break
      case 'two-addresses':
        await this.node.configure(
          `address add 172.31.${number}.1/24 dev ${link}`,
          `address add 10.244.${number}.1/24 dev ${link}`,
          `link set ${link} up`,
        )
        await namespace.configure(
          `address add ${ip}/24 dev eth0`,
          'link set eth0 up',
          `route add default via 10.244.${number}.1`,
        )
    }
    return { namespace, ip, ip6, link }
  }

  /**
   * Adds a host outside the node's network, connected by its own interface: 192.168.N.9 and an IPv6 address.
   * All its packets go through the node.
   */
  async addHost(): Promise<{ namespace: NetworkNamespace; ip: string; ip6: string }> {
    const number = 60 + this.#hosts++
    const namespace = await NetworkNamespace.create(`${this.#prefix}-host${number}`, PROGRAM_TIMEOUT_MS)
    this.#namespaces.push(namespace)
    const ip = `192.168.${number}.9`
    const ip6 = `fd00:${number}::9`
    const link = `host${number}`
    await this.node.configure(
      `link add ${link} type veth peer name eth0 netns ${namespace.name}`,
      `address add 192.168.${number}.1/24 dev ${link}`,
      `address add fd00:${number}::1/64 dev ${link} nodad`,
      `link set ${link} up`,
    )
    await namespace.configure(
      `address add ${ip}/24 dev eth0`,
      `address add ${ip6}/64 dev eth0 nodad`,
      'link set eth0 up',
      `route add default via 192.168.${number}.1`,
      `route add ::/0 via fd00:${number}::1`,
    )
    return { namespace, ip, ip6 }
  }

  /** Adds another node of the cluster with one Pod without processes. The two nodes have routes to each other's Pods. */
  async addNode(): Promise<{ node: NetworkNamespace; pod: NetworkNamespace; ip: string; ip6: string; podIP: string }> {
    const { namespace: node, ip, ip6 } = await this.addHost()
    const pod = await NetworkNamespace.create(`${node.name}-pod`, PROGRAM_TIMEOUT_MS)
    this.#namespaces.push(pod)
    await node.run('sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'])
    await node.configure(
      `link add veth2 type veth peer name eth0 netns ${pod.name}`,
      'address add 10.245.1.1/24 dev veth2',
      'address add fd00:245::1/64 dev veth2 nodad',
      'link set veth2 up',
    )
    await pod.configure(
      'address add 10.245.1.2/24 dev eth0',
      'address add fd00:245::2/64 dev eth0 nodad',
      'link set eth0 up',
      'route add default via 10.245.1.1',
      'route add ::/0 via fd00:245::1',
    )
    await this.node.configure(`route add 10.245.1.0/24 via ${ip}`, `route add fd00:245::/64 via ${ip6}`)
    return { node, pod, ip, ip6, podIP: '10.245.1.2' }
  }

  /** Adds a Pod with a server that answers with the name of the Pod, on TCP port 8080 and UDP port 5353; see pod-server. */
  async addServer(
    name: string,
    attachment: Attachment = 'bridge',
  ): Promise<{ namespace: NetworkNamespace; ip: string; ip6: string; link: string; process: ChildProcess }> {
    const pod = await this.addPod(attachment)
    const child = this.start(pod.namespace, process.execPath, [POD_SERVER, name])
    await once(child.stdout!, 'data')
    return { ...pod, process: child }
  }

  /** Starts a program in a namespace. The end of the test kills it. */
  start(
    namespace: NetworkNamespace,
    program: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv = process.env,
  ): ChildProcess {
    const child = namespace.spawn('env', [...WITHOUT_TAP_LOADER, program, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env,
    })
    this.#children.push(child)
    return child
  }

  async #destroy(): Promise<void> {
    const running = this.#children.filter(child => child.exitCode === null && child.signalCode === null)
    const ended = running.map(child => once(child, 'exit'))
    for (const child of running) child.kill('SIGKILL')
    await Promise.all(ended)
    await this.#killOrphans()
    for (const namespace of this.#namespaces) await namespace.delete()
  }

  /** Kills data-plane workers: they outlive a killed proxy. No other processes are in these namespaces. */
  async #killOrphans(): Promise<void> {
    for (const { name } of this.#namespaces) {
      const { stdout } = await this.node.run('ip', ['netns', 'pids', name])
      for (const pid of stdout.split('\n').filter(line => line !== '')) {
        try {
          process.kill(Number(pid), 'SIGKILL')
        } catch {
          // It has exited in the meantime.
        }
      }
    }
  }
}

/** How long to wait for an answer, in milliseconds: if the test expects none, and if it expects one. */
const NO_ANSWER_TIMEOUT_MS = 5000
const ANSWER_TIMEOUT_MS = NO_ANSWER_TIMEOUT_MS * TIMEOUT_FACTOR

/** The outcome of one request. */
export interface RequestResult {
  /** The name of the Pod, or an error code. */
  readonly answer: string
  /** The source of a UDP answer, as `address:port`. */
  readonly from?: string
}

/** A process in a namespace that sends requests for a test. */
export class NetworkClient {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(network: NodeNetwork, namespace: NetworkNamespace) {
    this.#child = network.start(namespace, process.execPath, [POD_CLIENT])
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
  }

  async #sendCommand(command: object): Promise<RequestResult> {
    this.#child.stdin!.write(`${JSON.stringify(command)}\n`)
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error('The client has exited')
    return JSON.parse(value) as RequestResult
  }

  /** Connects and reads to the end. */
  async tcp(ip: string, port: number): Promise<string> {
    return (await this.#sendCommand({ protocol: 'tcp', ip, port, limitMs: ANSWER_TIMEOUT_MS })).answer
  }

  /** The same for a test that expects `no answer`. */
  async tcpExpectingTimeout(ip: string, port: number): Promise<string> {
    return (await this.#sendCommand({ protocol: 'tcp', ip, port, limitMs: NO_ANSWER_TIMEOUT_MS })).answer
  }

  /** Connects and reads to the end, or gives up after the time. */
  async tcpWithin(ip: string, port: number, limitMs: number): Promise<string> {
    return (await this.#sendCommand({ protocol: 'tcp', ip, port, limitMs })).answer
  }

  /** Sends a datagram from a new socket and waits for the answer, or gives up after the time. */
  async udpWithin(ip: string, port: number, limitMs: number): Promise<string> {
    return (await this.#sendCommand({ protocol: 'udp', ip, port, bytes: 5, connected: true, limitMs })).answer
  }

  /** Sends a datagram of `bytes` bytes from a new socket, connected by default, and waits for the answer. */
  udp(ip: string, port: number, bytes = 5, connected = true): Promise<RequestResult> {
    return this.#sendCommand({ protocol: 'udp', ip, port, bytes, connected, limitMs: ANSWER_TIMEOUT_MS })
  }
}
