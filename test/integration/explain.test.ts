import { basename, join } from 'node:path'
import t from 'tap'
import { ManifestFolder } from '../support/api/manifests.js'
import { type Explanation } from '../../lib/explain/explanation.js'
import {
  type Prediction,
  type PredictionRequest,
  type Predictions,
  allowedAnswers,
  predictionOf,
} from '../support/explain/prediction.js'
import {
  REPLAYED_SERVICES,
  type ReplayedAddress,
  type ReplayedService,
  addressesOf,
  replayedObjects,
} from '../support/explain/replayed-services.js'
import { NODE_IP, NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { NodeProcess } from '../support/nodes/node-process.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { PROXY_MODE } from '../support/processes/proxy-mode.js'
import { PROXY_PROGRAM, ProxyProcess } from '../support/processes/proxy-process.js'
import { askStatus } from '../support/status/ask-status.js'
import { schemaMistakes } from '../support/status/schema-mistakes.js'

const NODE_NAME = 'this-node'
const FLAGS = { 'hostname-override': NODE_NAME, 'cluster-cidr': '10.244.0.0/15', 'proxy-mode': PROXY_MODE }
/** With random picks, one of two endpoints is missed by so many connections once in 16 million cases. */
const MAX_CONNECTIONS = 24
const ANSWER_MS = 5000 * TIMEOUT_FACTOR
/** Where nothing may answer, a longer wait would find nothing else. */
const SILENCE_MS = 400
/** The Services of which the proxy is asked about UDP too: each question takes it a tenth of a second. */
const UDP_OF_PROXY = ['cluster', 'ranges', 'affinity']
/** Where one endpoint answers and another one does not. */
const DOUBT_MS = 1000 * TIMEOUT_FACTOR

t.test(
  `Packets go where explain says (${PROXY_MODE})`,
  { skip: namespacesUnavailable, timeout: 400_000 * TIMEOUT_FACTOR },
  async t => {
    const network = await NodeNetwork.create(t)
    const here = await network.addServer('here')
    const there = await network.addServer('there')
    const outside = await network.addHost()
    const otherNode = await network.addNode()
    const pod = await network.addPod()
    const names = new Map([
      [here.ip, 'here'],
      [there.ip, 'there'],
    ])
    const clients = {
      [`pod/${pod.ip}`]: new NetworkClient(network, pod.namespace),
      [`pod/${here.ip}`]: new NetworkClient(network, here.namespace),
      [`pod/${otherNode.podIP}`]: new NetworkClient(network, otherNode.pod),
      [`outside/${outside.ip}`]: new NetworkClient(network, outside.namespace),
      node: new NetworkClient(network, network.node),
    }
    const folder = new ManifestFolder(t)
    folder.write(...replayedObjects({ here: here.ip, there: there.ip }, NODE_NAME))
    const socket = join(folder.path, '..', `${basename(folder.path)}.sock`)
    const proxy = new ProxyProcess(network, [
      ...['--manifests', folder.path, '--hostname-override', NODE_NAME, '--cluster-cidr', FLAGS['cluster-cidr']],
      ...['--status-socket', socket],
    ])
    await proxy.waitForLine(
      PROXY_MODE === 'ipvs' ? /Synced virtual servers" family="IPv4/ : /Synced rules" family="IPv4"/,
    )
    const flags = JSON.stringify({ ...FLAGS, manifests: [folder.path] })
    const explain = new NodeProcess(network, 'explain/explain-entry', [flags])
    await explain.sendCommand('read' as unknown as object)

    await proxy.waitForLine(/Serving the status API/)
    const nameOf = (endpoint: string): string => names.get(endpoint.split(':')[0]!) ?? endpoint

    /** What the running proxy says of a packet now. */
    const askProxy = async (asked: PredictionRequest): Promise<Explanation> => {
      const { status, body } = await askStatus(socket, `/v1/explain?${new URLSearchParams({ ...asked }).toString()}`)
      if (status !== 200) throw new Error(JSON.stringify(body))
      const mistakes = schemaMistakes(body)
      if (mistakes.length > 0) throw new Error(mistakes.join())
      return (body as { readonly explanation: Explanation }).explanation
    }
    const liveAnswers = async (asked: PredictionRequest): Promise<readonly string[]> =>
      [...allowedAnswers(predictionOf(await askProxy(asked)), nameOf)].sort()

    const request = (client: NetworkClient, ip: string, port: number, protocol: string, limitMs: number) =>
      protocol === 'udp' ? client.udpWithin(ip, port, limitMs) : client.tcpWithin(ip, port, limitMs)

    /** What is wrong with a prediction; undefined if the packets went where it says. */
    const compare = async (
      service: ReplayedService,
      client: NetworkClient,
      { ip, port }: ReplayedAddress,
      asked: PredictionRequest,
      predictions: Predictions,
    ): Promise<string | undefined> => {
      const protocol = asked.to.split('/').at(-1)!
      const [kernel, plan] = [predictions.kernel, predictions.plan].map(each =>
        [...allowedAnswers(each, nameOf)].sort(),
      )
      // A client that has been there may keep its endpoint.
      const keeps = service.name === 'affinity'
      const isAsked = protocol === 'tcp' || UDP_OF_PROXY.includes(service.name)
      const live = isAsked ? await liveAnswers(asked) : kernel!
      if (keeps ? live.some(answer => !kernel!.includes(answer)) : live.join() !== kernel!.join())
        return `by the kernel ${kernel!.join()}, by the proxy ${live.join()}`
      if (kernel!.join() !== plan!.join()) return `by the kernel ${kernel!.join()}, by the plan ${plan!.join()}`
      const isServed = predictions.kernel.reached.length > 0
      const limitMs = !isServed ? SILENCE_MS : predictions.kernel.ends.includes('dropped') ? DOUBT_MS : ANSWER_MS
      const mayVary = isServed && !keeps
      const seen = new Set<string>()
      for (let n = 0; n < (mayVary ? MAX_CONNECTIONS : isServed ? 2 : 1) && seen.size < kernel!.length; n++)
        seen.add(await request(client, ip, port, protocol, limitMs))
      const wrong = [...seen].filter(answer => !live.includes(answer))
      const missed = mayVary ? kernel!.filter(answer => !seen.has(answer)) : []
      if (!mayVary && seen.size > 1) wrong.push('different answers')
      if (wrong.length + missed.length > 0) return `predicted ${live.join(' | ')}, seen ${[...seen].join(' | ')}`
      const after = keeps && isServed ? await liveAnswers(asked) : [...seen]
      return PROXY_MODE === 'ipvs' || !keeps || after.join() === [...seen].join()
        ? undefined
        : `seen ${[...seen].join()}, and then predicted ${after.join(' | ')}`
    }

    let count = 0
    const ends = new Map<string, number>()
    for (const service of REPLAYED_SERVICES) {
      const wrong: string[] = []
      for (const address of addressesOf(service, NODE_IP))
        for (const [from, client] of Object.entries(clients))
          for (const protocol of ['tcp', 'udp']) {
            if (address.kind === 'node port on loopback' && from !== 'node') continue
            const to = `${address.ip}:${address.port}/${protocol}`
            const predictions = JSON.parse(await explain.sendCommand({ from, to })) as Predictions & { error?: string }
            const problem = predictions.error ?? (await compare(service, client, address, { from, to }, predictions))
            if (problem !== undefined) wrong.push(`${from} to ${address.kind} ${to}: ${problem}`)
            count++
            for (const end of predictions.kernel?.ends ?? []) ends.set(end, (ends.get(end) ?? 0) + 1)
          }
      t.strictSame(wrong, [], service.name)
    }
    t.ok(count > 400, `${count} predictions: ${[...ends].map(([end, times]) => `${times} ${end}`).join(', ')}`)
    for (const end of ['endpoint', 'dropped', 'refused']) t.ok((ends.get(end) ?? 0) > 10, `${end} occurs`)

    await t.test('the command shows the rule and its counter, which counts a packet', async t => {
      const withObjects = [
        ...['explain', `pod/${pod.ip}`, 'cluster:tcp', '-o', 'json'],
        ...['--rules', 'kernel', '--manifests', folder.path],
      ]
      const run = async (args: readonly string[] = withObjects) => {
        const { stdout } = await network.node.run(process.execPath, [
          ...[PROXY_PROGRAM, ...args],
          ...Object.entries(FLAGS).map(([name, value]) => `--${name}=${value}`),
        ])
        return JSON.parse(stdout) as {
          mode: string
          rules: string
          steps: readonly { rule: string | null; packets: number | null }[]
          ways: readonly { end: string }[]
        }
      }
      const counterOf = (explanation: Awaited<ReturnType<typeof run>>): number =>
        explanation.steps.find(({ rule }) =>
          rule?.includes(PROXY_MODE === 'ipvs' ? 'KUBE-CLUSTER-IP' : '10.96.0.1/32'),
        )!.packets!
      const before = await run()
      t.equal(before.mode, PROXY_MODE)
      t.equal(before.rules, 'kernel')
      await clients[`pod/${pod.ip}`]!.tcpWithin('10.96.0.1', 80, ANSWER_MS)
      t.equal(counterOf(await run()) - counterOf(before), 1)
      const { ways } = await run(['explain', `pod/${pod.ip}`, '10.96.0.1:80', '-o', 'json'])
      t.equal(ways[0]!.end, PROXY_MODE === 'userspace' ? 'proxy-port' : 'endpoint', 'rules alone, without objects')
    })

    await t.test(
      'a Pod reaches itself where its port of the bridge has hairpin mode',
      { skip: PROXY_MODE === 'userspace' && 'the node connects to it' },
      async t => {
        for (const { link } of [here, there, pod])
          await network.node.configure(`link set dev ${link} type bridge_slave hairpin on`)
        await explain.sendCommand('read' as unknown as object)
        const asked = { from: `pod/${here.ip}`, to: 'ranges:tcp' }
        const { kernel } = JSON.parse(await explain.sendCommand(asked)) as Predictions
        const expected = [...allowedAnswers(kernel, () => 'here')]
        t.strictSame(expected, ['here 10.244.0.1'])
        t.equal(await clients[`pod/${here.ip}`]!.tcpWithin('10.96.0.6', 80, ANSWER_MS), expected[0])
      },
    )

    await t.test(
      'the endpoint that the kernel remembers for a client is predicted',
      { skip: PROXY_MODE !== 'iptables' && 'the rules do not say it' },
      async t => {
        const client = clients[`pod/${pod.ip}`]!
        const answer = await client.tcpWithin('10.96.0.7', 80, ANSWER_MS)
        await explain.sendCommand('read' as unknown as object)
        const asked = { from: `pod/${pod.ip}`, to: 'affinity:tcp' }
        const { kernel } = JSON.parse(await explain.sendCommand(asked)) as Predictions
        t.strictSame([...allowedAnswers(kernel, endpoint => names.get(endpoint.split(':')[0]!)!)], [answer])
      },
    )

    await t.test('a rule of another program that takes the packets is found', async t => {
      const rule = ['PREROUTING', '-t', 'raw', '-s', `${pod.ip}/32`, '-d', '10.96.0.1/32', '-p', 'tcp', '-j', 'DROP']
      await network.node.run('iptables', ['-I', ...rule])
      await explain.sendCommand('read' as unknown as object)
      const asked = { from: `pod/${pod.ip}`, to: '10.96.0.1:80/tcp' }
      const { kernel } = JSON.parse(await explain.sendCommand(asked)) as { kernel: Prediction }
      t.strictSame(kernel.ends, ['dropped'])
      t.equal(await clients[`pod/${pod.ip}`]!.tcpWithin('10.96.0.1', 80, SILENCE_MS), 'no answer')
      await network.node.run('iptables', ['-D', ...rule])
    })
    t.equal(await proxy.stop(), 0)
  },
)
