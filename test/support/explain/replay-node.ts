import { basename, join } from 'node:path'
import { type Test } from 'tap'
import { type Explanation } from '../../../lib/explain/explanation.js'
import { type IpFamily } from '../../../lib/model/address.js'
import { ManifestFolder } from '../api/manifests.js'
import { NetworkClient, NodeNetwork } from '../nodes/node-network.js'
import { NodeProcess } from '../nodes/node-process.js'
import { PROXY_MODE } from '../processes/proxy-mode.js'
import { ProxyProcess } from '../processes/proxy-process.js'
import { askStatus } from '../status/ask-status.js'
import { schemaMistakes } from '../status/schema-mistakes.js'
import { type PredictionRequest, type Predictions, allowedAnswers, predictionOf } from './prediction.js'
import { replayedObjects } from './replayed-services.js'

const NODE_NAME = 'this-node'

/** The options that decide about packets, for the proxy and for those who predict what it does. */
export const REPLAY_FLAGS = {
  'hostname-override': NODE_NAME,
  'cluster-cidr': '10.244.0.0/15,fd00:244::/31',
  'proxy-mode': PROXY_MODE,
}

/** A client of each kind. */
export interface ReplayClient {
  readonly kind: 'pod' | 'outside' | 'node'
  /** Undefined: the kernel chooses one. */
  readonly addresses: Readonly<Record<IpFamily, string>> | undefined
  readonly network: NetworkClient
}

/** The sender in the words of the command. */
export function senderOf({ kind, addresses }: ReplayClient, family: IpFamily): string {
  return addresses === undefined ? kind : `${kind}/${addresses[family]}`
}

/** A node with a running proxy, Pods, clients of each kind, and a process that predicts where packets go. */
export async function createReplayNode(t: Test) {
  const network = await NodeNetwork.create(t)
  // The kernel refuses some packets of a client each second, and is silent about the others.
  await network.node.run('sysctl', ['-qw', 'net.ipv4.icmp_ratelimit=0', 'net.ipv6.icmp.ratelimit=0'])
  const here = await network.addServer('here')
  const there = await network.addServer('there')
  const outside = await network.addHost()
  const otherNode = await network.addNode()
  const pod = await network.addPod()
  const names = new Map(
    [here, there].flatMap(({ ip, ip6 }, index) => [ip, `[${ip6}]`].map(each => [each, index] as const)),
  )
  const clientOf = (kind: ReplayClient['kind'], of: { ip: string; ip6: string }, namespace = pod.namespace) => ({
    kind,
    addresses: { IPv4: of.ip, IPv6: of.ip6 },
    network: new NetworkClient(network, namespace),
  })
  const clients = {
    pod: clientOf('pod', pod),
    hairpin: clientOf('pod', here, here.namespace),
    podElsewhere: clientOf('pod', { ip: otherNode.podIP, ip6: 'fd00:245::2' }, otherNode.pod),
    outside: clientOf('outside', outside, outside.namespace),
    node: { kind: 'node', addresses: undefined, network: new NetworkClient(network, network.node) },
  } as const satisfies Record<string, ReplayClient>

  const folder = new ManifestFolder(t)
  const ips = { IPv4: { here: here.ip, there: there.ip }, IPv6: { here: here.ip6, there: there.ip6 } }
  folder.write(...replayedObjects(ips, NODE_NAME))
  const socket = join(folder.path, '..', `${basename(folder.path)}.sock`)
  const proxy = new ProxyProcess(network, [
    ...['--manifests', folder.path, '--hostname-override', NODE_NAME, '--cluster-cidr', REPLAY_FLAGS['cluster-cidr']],
    ...['--status-socket', socket],
  ])
  const synced = PROXY_MODE === 'ipvs' ? 'Synced virtual servers' : 'Synced rules'
  for (const family of ['IPv4', 'IPv6']) await proxy.waitForLine(new RegExp(`${synced}" family="${family}"`))
  await proxy.waitForLine(/Serving the status API/)
  const process = new NodeProcess(network, 'explain/explain-entry', [
    JSON.stringify({ ...REPLAY_FLAGS, manifests: [folder.path] }),
  ])

  const nameOf = (endpoint: string): string => {
    const index = names.get(endpoint.slice(0, endpoint.lastIndexOf(':')))
    return index === undefined ? endpoint : ['here', 'there'][index]!
  }
  return {
    ...{ network, here, there, pod, clients, folder, proxy, nameOf },
    /** Reads the rules and everything else of the kernel again. */
    read: () => process.sendCommand('read' as unknown as object),
    predict: async (asked: PredictionRequest) =>
      JSON.parse(await process.sendCommand(asked)) as Predictions & { readonly error?: string },
    /** What the running proxy allows a client to see. */
    liveAnswers: async (asked: PredictionRequest): Promise<readonly string[]> => {
      const { status, body } = await askStatus(socket, `/v1/explain?${new URLSearchParams({ ...asked }).toString()}`)
      if (status !== 200) throw new Error(JSON.stringify(body))
      const mistakes = schemaMistakes(body)
      if (mistakes.length > 0) throw new Error(mistakes.join())
      const { explanation } = body as { readonly explanation: Explanation }
      return [...allowedAnswers(predictionOf(explanation), nameOf)].sort()
    },
  }
}

export type ReplayNode = Awaited<ReturnType<typeof createReplayNode>>
