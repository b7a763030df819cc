import { once } from 'node:events'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { type NetworkNamespace } from '../../lib/demo/network-namespace.js'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'
import { NODE_IP, NODE_IP6, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { ECHO_CLIENT, ENDING_CLIENT, SEND_SEGMENT } from '../support/pods/forged-segments.js'
import { PROXY_MODE } from '../support/processes/proxy-mode.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const POD_SERVER = new URL('../support/pods/pod-server.js', import.meta.url).pathname
const NODE_NAME = 'this-node'
const PORT = 80
const NODE_PORT = 30080
const POD_PORT = 8080
/** Far outside of every window. */
const OFFSET = 2 ** 30

/** The addresses of one IP family. */
interface Addresses {
  readonly clusterIP: string
  readonly nodeIP: string
  /** An external IP of the Service that is an address of the node, as load balancers of some clouds have it. */
  readonly externalIP: string
}

/** A connection of a client to a Service, as the client's kernel knows it. */
interface Connection {
  readonly ip: string
  readonly port: string
  /** The sequence numbers of the next byte that it sends, and of the next that it expects. */
  readonly toSend: number
  readonly toReceive: number
}

/** A segment to forge: who sends it, and the arguments of `SEND_SEGMENT`. */
type Segment = readonly [NetworkNamespace, ...(string | number)[]]

/** A program in a namespace that prints a line, waits for one on its standard input, and prints another. */
class Dialogue {
  readonly #input: NodeJS.WritableStream
  readonly #lines: AsyncIterator<string>

  constructor(network: NodeNetwork, where: NetworkNamespace, program: string, ...args: readonly string[]) {
    const child = network.start(where, 'python3', ['-c', program, ...args])
    this.#input = child.stdin!
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  }

  async read(): Promise<string> {
    return String((await this.#lines.next()).value)
  }

  continue(): Promise<string> {
    this.#input.write('\n')
    return this.read()
  }
}

/** A node with a proxy, one Service with one endpoint, and a host of its network that answers for the ClusterIP. */
class SegmentTest {
  readonly #network: NodeNetwork
  readonly #t: Test

  constructor(t: Test, network: NodeNetwork) {
    this.#t = t
    this.#network = network
  }

  /** Forges a segment of an open connection, and sees that both ends are as before. */
  async forge(
    what: string,
    [client, address, port]: readonly [NetworkNamespace, string, number],
    forged: (connection: Connection) => Segment | Promise<Segment>,
  ): Promise<void> {
    const dialogue = new Dialogue(this.#network, client, ECHO_CLIENT, address, String(port))
    const [ip, clientPort, toSend, toReceive] = (await dialogue.read()).split(' ')
    const connection = { ip: ip!, port: clientPort!, toSend: Number(toSend), toReceive: Number(toReceive) }
    const segment = await forged(connection)
    const resets = await countResets(client)
    await send(segment)
    this.#t.equal(await dialogue.continue(), 'still here', `${what}, ${address}`)
    if (client !== this.#network.node)
      this.#t.equal((await countResets(client)) - resets, 0, `no segment that the client does not know: ${what}`)
  }
}

async function send([sender, ...args]: Segment): Promise<void> {
  const { exitCode, stderr } = await sender.run('python3', ['-c', SEND_SEGMENT, ...args.map(String)])
  if (exitCode !== 0) throw new Error(stderr)
}

/** How many resets a host has sent. */
async function countResets(host: NetworkNamespace): Promise<number> {
  const { stdout } = await host.run('cat', ['/proc/net/snmp'])
  const [names, values] = stdout
    .split('\n')
    .filter(line => line.startsWith('Tcp:'))
    .map(line => line.split(' '))
  return Number(values![names!.indexOf('OutRsts')])
}

/** A server on the node's own addresses: only then do the segments of an endpoint leave the node through OUTPUT. */
async function startOnNode(network: NodeNetwork): Promise<{ readonly ip: string; readonly ip6: string }> {
  const server = network.start(network.node, process.execPath, [POD_SERVER, 'a'])
  await once(server.stdout!, 'data')
  return { ip: NODE_IP, ip6: NODE_IP6 }
}

/** A slice with one Pod of this node. */
function makeLocalSlice(ip: string): object {
  const targetRef = { kind: 'Pod', namespace: 'default', name: 'a' }
  const endpoints = [{ addresses: [ip], conditions: { ready: true }, nodeName: NODE_NAME, targetRef }]
  return { ...makeSliceManifest('web', [ip], POD_PORT), endpoints }
}

const FAMILIES: readonly Addresses[] = [
  { clusterIP: '10.96.0.10', nodeIP: NODE_IP, externalIP: '192.168.50.77' },
  { clusterIP: 'fd00:96::a', nodeIP: NODE_IP6, externalIP: 'fd00:50::77' },
]

/** A host that the node's routes lead to for ClusterIPs, as a default route does, and that refuses what it does not know. */
async function addRefusingHost(network: NodeNetwork): Promise<NetworkNamespace> {
  const { namespace, ip, ip6 } = await network.addHost()
  const [v4, v6] = FAMILIES
  await namespace.configure(
    `address add ${v4!.clusterIP}/32 dev eth0`,
    `address add ${v6!.clusterIP}/128 dev eth0 nodad`,
  )
  await network.node.configure(`route add 10.96.0.0/16 via ${ip}`, `route add fd00:96::/64 via ${ip6}`)
  return namespace
}

async function startProxy(t: Test, network: NodeNetwork, mode: string, server: { ip: string; ip6: string }) {
  const folder = new ManifestFolder(t)
  const [v4, v6] = FAMILIES
  await network.node.configure(
    `address add ${v4!.externalIP}/32 dev eth0`,
    `address add ${v6!.externalIP}/128 dev eth0 nodad`,
  )
  const options = { clusterIP: v4!.clusterIP, port: PORT, nodePort: NODE_PORT, otherClusterIPs: [v6!.clusterIP] }
  const service = makeServiceManifest('web', options) as { spec: object }
  const spec = { ...service.spec, externalIPs: [v4!.externalIP, v6!.externalIP] }
  folder.write({ ...service, spec }, makeLocalSlice(server.ip), makeLocalSlice(server.ip6))
  const args = [
    '--manifests',
    folder.path,
    `--hostname-override=${NODE_NAME}`,
    '--cluster-cidr=10.244.0.0/16,fd00:244::/64',
  ]
  const proxy = new ProxyProcess(network, args, process.env, network.node, mode)
  for (const family of ['IPv4', 'IPv6'])
    await proxy.waitForLine(
      new RegExp(`Synced (rules" family="${family}" changed=true|virtual servers" family="${family}")`),
    )
  return proxy
}

/** The address and port of a listener in userspace mode. */
async function readListener(node: NetworkNamespace, clusterIP: string): Promise<readonly [string, string]> {
  const { stdout } = await node.run(clusterIP.includes(':') ? 'ip6tables-save' : 'iptables-save', ['-t', 'nat'])
  const [, ip, port] = /--to-destination \[?(\S+?)\]?:(\d+)\n/.exec(stdout)!
  return [ip!, port!]
}

async function testMode(t: Test, mode: string): Promise<void> {
  const network = await NodeNetwork.create(t)
  const { node } = network
  const { namespace: pod } = await network.addPod()
  const onNode = mode === 'iptables'
  const server = onNode ? { ...(await startOnNode(network)), namespace: node } : await network.addServer('a')
  if (mode !== 'ipvs') await addRefusingHost(network)
  const proxy = await startProxy(t, network, mode, server)
  const test = new SegmentTest(t, network)
  for (const { clusterIP, nodeIP, externalIP } of FAMILIES) {
    const serverIP = clusterIP.includes(':') ? server.ip6 : server.ip
    const toService: readonly (readonly [string, NetworkNamespace, string, number])[] = [
      ['a segment of a client to a ClusterIP', pod, clusterIP, PORT],
      ['a segment of a client to a NodePort', pod, nodeIP, NODE_PORT],
      ['a segment of a client to an external IP that the node has', pod, externalIP, PORT],
      // In iptables mode, such a segment goes to an address that no host has.
      ...(mode !== 'iptables' ? ([['a segment of the node to a ClusterIP', node, clusterIP, PORT]] as const) : []),
    ]
    for (const [what, client, address, port] of toService)
      await test.forge(what, [client, address, port], ({ ip, port: from, toSend, toReceive }) => [
        client,
        ...[ip, from, address, port, toSend + OFFSET, toReceive],
      ])
    const [listenerIP, listener] = mode === 'userspace' ? await readListener(node, clusterIP) : [serverIP, POD_PORT]
    if (mode !== 'ipvs')
      await test.forge(
        'a segment of the node to a client',
        [pod, clusterIP, PORT],
        ({ ip, port, toSend, toReceive }) => [node, ...[listenerIP, listener, ip, port, toReceive + OFFSET, toSend]],
      )
    // Masquerading makes the node the client that the endpoint sees.
    else
      await test.forge('a segment of an endpoint', [pod, nodeIP, NODE_PORT], async ({ toSend, toReceive }) => {
        const [peerIP, port] = await readPeer(server.namespace)
        return [server.namespace, serverIP, POD_PORT, peerIP, port, toReceive + OFFSET, toSend]
      })
  }
  t.equal(await proxy.stop(), 0)
}

/** The address and port of the client, as a Pod with one open connection sees them. */
async function readPeer(pod: NetworkNamespace): Promise<readonly [string, string]> {
  let lines: readonly string[] = []
  await waitUntil(async () => {
    const { stdout } = await pod.run('ss', ['-Htn', 'state', 'established', 'sport', '=', `:${POD_PORT}`])
    lines = stdout.trim().split('\n')
    return lines.length === 1 && lines[0] !== ''
  }, 'a Pod has one open connection')
  const [, ip, port] = /^\[?(?:::ffff:)?(.+?)\]?:(\d+)$/.exec(lines[0]!.trim().split(/\s+/).at(-1)!)!
  return [ip!, port!]
}

for (const mode of PROXY_MODE === 'ipvs' ? ['ipvs'] : ['userspace', 'iptables']) {
  void t.test(
    `segments outside of the window do not reset a connection through a Service (${mode} mode)`,
    { skip: mode === 'ipvs' ? ipvsUnavailable : namespacesUnavailable },
    t => testMode(t, mode),
  )
}

void t.test(
  'a connection from before the proxy ends, at an endpoint that is the node itself (iptables mode)',
  { skip: PROXY_MODE === 'ipvs' ? 'not in ipvs mode' : namespacesUnavailable },
  async t => {
    const network = await NodeNetwork.create(t)
    const { namespace: pod } = await network.addPod()
    const server = await startOnNode(network)
    // The node has no rules yet, so conntrack does not look.
    const clients = FAMILIES.map(({ nodeIP }) => new Dialogue(network, pod, ENDING_CLIENT, nodeIP, String(POD_PORT)))
    for (const client of clients) t.equal(await client.read(), 'open')
    const proxy = await startProxy(t, network, 'iptables', server)
    for (const client of clients) t.equal(await client.continue(), 'ended')
    t.equal(await proxy.stop(), 0)
  },
)

for (const mode of ['userspace', 'iptables'])
  void t.test(
    `a connection of the node from before the proxy ends, although its port is a NodePort (${mode} mode)`,
    { skip: PROXY_MODE === 'ipvs' ? 'not in ipvs mode' : namespacesUnavailable },
    async t => {
      const network = await NodeNetwork.create(t)
      const server = await network.addServer('a')
      const addresses = [
        [server.ip, '10.244.0.1'],
        [server.ip6, 'fd00:244::1'],
      ] as const
      const clients = addresses.map(
        ([ip, own]) => new Dialogue(network, network.node, ENDING_CLIENT, ip, String(POD_PORT), own, String(NODE_PORT)),
      )
      for (const client of clients) t.equal(await client.read(), 'open')
      const proxy = await startProxy(t, network, mode, server)
      const ends = clients.map(client => client.continue())
      server.process.kill('SIGKILL')
      t.strictSame(await Promise.all(ends), ['ended', 'ended'])
      t.equal(await proxy.stop(), 0)
    },
  )

void t.test(
  'a node in userspace mode drops segments that end no connection to a ClusterIP, and forwards all others',
  { skip: PROXY_MODE === 'ipvs' ? 'not in ipvs mode' : namespacesUnavailable },
  async t => {
    const network = await NodeNetwork.create(t)
    const pod = await network.addPod()
    const host = await addRefusingHost(network)
    const proxy = await startProxy(t, network, 'userspace', await network.addServer('a'))
    for (const { clusterIP } of FAMILIES) {
      const source = clusterIP.includes(':') ? pod.ip6 : pod.ip
      const resets = await countResets(host)
      await send([pod.namespace, source, 40_000, clusterIP, PORT, 1, 1, 'FIN'])
      // A port of the same address that no Service has: its segment could be one of any other connection.
      await send([pod.namespace, source, 40_000, clusterIP, PORT + 1, 1, 1, 'FIN'])
      await waitUntil(async () => (await countResets(host)) > resets, 'the host refuses a segment')
      t.equal((await countResets(host)) - resets, 1, clusterIP)
    }
    t.equal(await proxy.stop(), 0)
  },
)
