import { once } from 'node:events'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { type NetworkNamespace } from '../../lib/demo/network-namespace.js'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { NODE_IP, NODE_IP6, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { ECHO_CLIENT, SEND_SEGMENT } from '../support/pods/forged-segments.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const POD_SERVER = new URL('../support/pods/pod-server.js', import.meta.url).pathname
const NODE_NAME = 'this-node'
const PORT = 80
const NODE_PORT = 30080
/** Far outside of every window. */
const OFFSET = 2 ** 30
const CLUSTER_IP = '10.96.0.10'
const CLUSTER_IP6 = 'fd00:96::a'

/** What the open connection of a client to a Service hears after a segment was forged. */
async function echoAfter(
  network: NodeNetwork,
  client: NetworkNamespace,
  [address, port]: readonly [string, number],
  forge: (clientPort: number, nextToSend: number, nextToReceive: number) => readonly [NetworkNamespace, ...string[]],
): Promise<string> {
  const child = network.start(client, 'python3', ['-c', ECHO_CLIENT, address, String(port)])
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  const numbers = String((await lines.next()).value)
    .split(' ')
    .map(Number)
  const [sender, ...args] = forge(numbers[0]!, numbers[1]!, numbers[2]!)
  const { exitCode, stderr } = await sender.run('python3', ['-c', SEND_SEGMENT, ...args])
  if (exitCode !== 0) throw new Error(stderr)
  child.stdin!.write('\n')
  return String((await lines.next()).value)
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
  return { ...makeSliceManifest('web', [ip], 8080), endpoints }
}

async function testMode(t: Test, mode: 'userspace' | 'iptables'): Promise<void> {
  const network = await NodeNetwork.create(t)
  const pod = await network.addPod()
  const endpoint = mode === 'iptables' ? await startOnNode(network) : await network.addServer('a')
  const folder = new ManifestFolder(t)
  const v4 = { clusterIP: CLUSTER_IP, port: PORT, nodePort: NODE_PORT, otherClusterIPs: [CLUSTER_IP6] }
  folder.write(makeServiceManifest('web', v4), makeLocalSlice(endpoint.ip), makeLocalSlice(endpoint.ip6))
  const args = ['--manifests', folder.path, `--hostname-override=${NODE_NAME}`]
  const proxy = new ProxyProcess(network, args, process.env, network.node, mode)
  for (const family of ['IPv4', 'IPv6'])
    await proxy.waitForLine(new RegExp(`Synced rules" family="${family}" changed=true`))
  const { stdout } = await network.node.run('iptables-save', ['-t', 'nat'])
  const { stdout: stdout6 } = await network.node.run('ip6tables-save', ['-t', 'nat'])
  const proxyPort = (text: string): string => /--to-destination \S+:(\d+)/.exec(text)![1]!
  const families = [
    [CLUSTER_IP, NODE_IP, pod.ip, proxyPort(stdout)],
    [CLUSTER_IP6, NODE_IP6, pod.ip6, proxyPort(stdout6)],
  ] as const
  for (const [clusterIP, nodeIP, podIP, port] of families) {
    const fromServer = await echoAfter(network, pod.namespace, [clusterIP, PORT], (clientPort, toSend, toReceive) => [
      network.node,
      ...[nodeIP, port, podIP, clientPort, toReceive + OFFSET, toSend].map(String),
    ])
    t.equal(fromServer, 'still here', `a segment of the node to a client, ${clusterIP}`)
    const toNodePort = await echoAfter(network, pod.namespace, [nodeIP, NODE_PORT], (clientPort, toSend, toReceive) => [
      pod.namespace,
      ...[podIP, clientPort, nodeIP, NODE_PORT, toSend + OFFSET, toReceive].map(String),
    ])
    t.equal(toNodePort, 'still here', `a segment of a client to a node port, ${nodeIP}`)
  }
  t.equal(await proxy.stop(), 0)
}

for (const mode of ['userspace', 'iptables'] as const) {
  void t.test(
    `segments outside of the window do not reset a connection through a Service (${mode})`,
    { skip: namespacesUnavailable },
    t => testMode(t, mode),
  )
}
