import { type ChildProcess } from 'node:child_process'
import t from 'tap'
import { ANSWER_MS, SILENCE_MS, comparePrediction } from '../support/explain/compare-prediction.js'
import { allowedAnswers } from '../support/explain/prediction.js'
import { REPLAY_FLAGS, createReplayNode } from '../support/explain/replay-node.js'
import { REPLAYED_SERVICES, addressesOf } from '../support/explain/replayed-services.js'
import { NetworkClient, namespacesUnavailable } from '../support/nodes/node-network.js'
import { isInVm } from '../support/nodes/virtual-machine.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { PROXY_MODE } from '../support/processes/proxy-mode.js'
import { PROXY_PROGRAM } from '../support/processes/proxy-process.js'

/** An emulated processor would take half an hour for all packets: it replays one of so many, of each kind in turn. */
const ONE_OF = isInVm ? 17 : 1
/** With so many mistakes the machine is not slow: no more time is spent on others. */
const MAX_DOUBTS = 3
/** How long the command may take, in milliseconds. */
const RUN_MS = 20_000 * TIMEOUT_FACTOR

/** A client to which a Pod answers later than the shorter limits. */
class LateAnswers extends NetworkClient {
  readonly #pod: ChildProcess

  constructor(pod: ChildProcess, ...place: ConstructorParameters<typeof NetworkClient>) {
    super(...place)
    this.#pod = pod
  }

  override async tcpWithin(ip: string, port: number, limitMs: number): Promise<string> {
    if (limitMs < ANSWER_MS) this.#pod.kill('SIGSTOP')
    const answer = await super.tcpWithin(ip, port, limitMs)
    this.#pod.kill('SIGCONT')
    return answer
  }
}

t.test(
  `Packets go where explain says (${PROXY_MODE})`,
  { skip: namespacesUnavailable, timeout: 400_000 * TIMEOUT_FACTOR },
  async t => {
    const replay = await createReplayNode(t)
    const { network, here, there, pod, clients, folder, proxy, nameOf } = replay
    await replay.read()

    const wrong: string[] = []
    const ends = new Map<string, number>()
    let [packets, predictions] = [0, 0]
    // All kinds of clients at the same time: each waits for what does not answer.
    await Promise.all(
      Object.values(clients).map(async (client, clientNumber) => {
        let [number, index] = [clientNumber, 0]
        for (const service of REPLAYED_SERVICES)
          for (const family of ['IPv4', 'IPv6'] as const)
            for (const address of addressesOf(service, family))
              for (const protocol of ['tcp', 'udp'] as const) {
                if (address.isLoopback && client.kind !== 'node') continue
                if (number++ % ONE_OF > 0) continue
                const isPatient = wrong.length < MAX_DOUBTS
                const packet = { service, client, address, family, protocol, index, isPatient }
                const compared = await comparePrediction(replay, packet)
                if (compared.problem !== undefined) wrong.push(`${service.name}: ${compared.problem}`)
                index++
                packets++
                predictions += compared.count
                for (const end of compared.ends) ends.set(end, (ends.get(end) ?? 0) + 1)
              }
      }),
    )
    t.strictSame(wrong, [])
    const counted = [...ends].map(([end, times]) => `${times} ${end}`).join(', ')
    t.ok(
      packets > 2500 / ONE_OF && predictions > 5500 / ONE_OF,
      `${predictions} predictions of ${packets} packets: ${counted}`,
    )
    for (const end of ['endpoint', 'dropped', 'refused']) t.ok((ends.get(end) ?? 0) > 100 / ONE_OF, `${end} occurs`)

    await t.test(
      'an endpoint that answers late is not taken for one that does not answer',
      { skip: PROXY_MODE === 'userspace' && 'there every endpoint answers' },
      async t => {
        const client = { ...clients.hairpin, network: new LateAnswers(there.process, network, here.namespace) }
        for (const name of ['cluster', 'affinity']) {
          const service = REPLAYED_SERVICES.find(each => each.name === name)!
          const [address] = addressesOf(service, 'IPv4').filter(({ kind }) => kind === 'cluster IP')
          const packet = { service, client, address: address!, family: 'IPv4', protocol: 'tcp', index: 0 } as const
          const { problem } = await comparePrediction(replay, { ...packet, isPatient: true })
          t.equal(problem, undefined)
        }
      },
    )

    await t.test('the command shows the rule and its counter, which counts a packet', async t => {
      const withObjects = [
        ...['explain', `pod/${pod.ip}`, 'cluster:tcp', '-o', 'json'],
        ...['--rules', 'kernel', '--manifests', folder.path],
      ]
      const run = async (args: readonly string[] = withObjects) => {
        const flags = Object.entries(REPLAY_FLAGS).map(([name, value]) => `--${name}=${value}`)
        const { stdout } = await network.node.run(process.execPath, [PROXY_PROGRAM, ...args, ...flags], {
          timeoutMs: RUN_MS,
        })
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
      await clients.pod.network.tcpWithin('10.96.0.1', 80, ANSWER_MS)
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
        await replay.read()
        const asked = { from: `pod/${here.ip}`, to: 'ranges:tcp' }
        const { kernel } = await replay.predict(asked)
        const expected = [...allowedAnswers(kernel, () => 'here')]
        t.strictSame(expected, ['here 10.244.0.1'])
        t.equal(await clients.hairpin.network.tcpWithin('10.96.0.6', 80, ANSWER_MS), expected[0])
      },
    )

    await t.test(
      'the endpoint that the kernel remembers for a client is predicted',
      { skip: PROXY_MODE === 'userspace' && 'the rules do not say it' },
      async t => {
        const client = clients.pod.network
        const answer = await client.tcpWithin('10.96.0.7', 80, ANSWER_MS)
        await replay.read()
        const asked = { from: `pod/${pod.ip}`, to: 'affinity:tcp' }
        const { kernel } = await replay.predict(asked)
        t.strictSame([...allowedAnswers(kernel, nameOf)], [answer])
      },
    )

    await t.test('a rule of another program that takes the packets is found', async t => {
      const rule = ['PREROUTING', '-t', 'raw', '-s', `${pod.ip}/32`, '-d', '10.96.0.1/32', '-p', 'tcp', '-j', 'DROP']
      await network.node.run('iptables', ['-I', ...rule])
      await replay.read()
      const asked = { from: `pod/${pod.ip}`, to: '10.96.0.1:80/tcp' }
      const { kernel } = await replay.predict(asked)
      t.strictSame(kernel.ends, ['dropped'])
      t.equal(await clients.pod.network.tcpWithin('10.96.0.1', 80, SILENCE_MS), 'no answer')
      await network.node.run('iptables', ['-D', ...rule])
    })
    t.equal(await proxy.stop(), 0)
  },
)
