import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseIptablesSave } from '../../lib/netfilter/iptables-save.js'
import { NodeNetwork, type TeardownScope } from '../../test/support/nodes/node-network.js'
import { type FirstPacketsCommand } from './first-packets.js'

export type RuleLayout = 'tree' | 'flat'

export const PORTS = { UDP: 53, TCP: 80 } as const
/** The target of the rules on the node. */
export const LISTENERS = { UDP: 40_053, TCP: 40_080 } as const
/** Entries time out soon, so that no table gets full. */
const SYSCTLS = ['udp_timeout', 'tcp_timeout_close', 'tcp_timeout_established', 'tcp_timeout_syn_sent'].map(
  name => `net.netfilter.nf_conntrack_${name}=1`,
)
const FIRST_PACKETS_PROGRAM = fileURLToPath(new URL('first-packets.js', import.meta.url))
const RECEIVER_PROGRAM = fileURLToPath(new URL('packet-sink.js', import.meta.url))

/** A node with one form of rules or none, and a Pod that sends. */
export class RuleTestbed {
  readonly name: string
  readonly shape: RuleLayout | undefined
  readonly size: number
  readonly #backEnd: string
  readonly #network: NodeNetwork
  readonly #client: ChildProcess
  readonly #resultLines: AsyncIterator<string>

  private constructor(
    backEnd: string,
    shape: RuleLayout | undefined,
    size: number,
    network: NodeNetwork,
    client: ChildProcess,
  ) {
    this.#backEnd = backEnd
    this.name = shape === undefined ? 'no rules' : `${shape} ${size}`
    this.shape = shape
    this.size = size
    this.#network = network
    this.#client = client
    this.#resultLines = createInterface({ input: client.stdout! })[Symbol.asyncIterator]()
  }

  static async create(
    t: TeardownScope,
    backEnd: string,
    shape: RuleLayout | undefined,
    size: number,
  ): Promise<RuleTestbed> {
    const network = await NodeNetwork.create(t)
    const pod = await network.addPod('no-address')
    // Packets arrive even without a matching rule, so that both paths differ only in the rules.
    await network.node.configure('route add local 10.96.0.0/12 dev lo')
    for (const [protocol, port] of Object.entries(shape === undefined ? PORTS : LISTENERS)) {
      const receiver = network.start(network.node, process.execPath, [RECEIVER_PROGRAM, protocol, String(port)])
      await once(receiver.stdout!, 'data')
      // The kernel fills the buffer and then drops packets: no process wakes up for a packet.
      if (protocol === 'UDP') receiver.kill('SIGSTOP')
    }
    const client = network.start(pod.namespace, process.execPath, [FIRST_PACKETS_PROGRAM])
    client.stderr!.pipe(process.stderr)
    const site = new RuleTestbed(backEnd, shape, size, network, client)
    // A table without rules is needed too, because it enables conntrack.
    await site.restore('*nat\n:KUBE-BENCH - [0:0]\n-A POSTROUTING -s 240.0.0.1/32 -j KUBE-BENCH\nCOMMIT\n')
    for (const setting of SYSCTLS) await network.node.run('sysctl', ['-qw', setting])
    return site
  }

  async restore(text: string): Promise<number> {
    const startedAt = performance.now()
    const options = { input: text, timeoutMs: 120_000 }
    const { exitCode, stderr } = await this.#network.node.run(
      `iptables-${this.#backEnd}-restore`,
      ['--noflush'],
      options,
    )
    if (exitCode !== 0) throw new Error(`${this.name}: ${stderr}`)
    return performance.now() - startedAt
  }

  async read(): Promise<ReturnType<typeof parseIptablesSave>> {
    const options = { timeoutMs: 120_000 }
    return parseIptablesSave(
      (await this.#network.node.run(`iptables-${this.#backEnd}-save`, ['-t', 'nat'], options)).stdout,
    )
  }

  /**
   * Nanoseconds per packet; undefined if the sender finished before the node. A kernel under load delays packets
   * and drops them if too many wait: then the time of the sender is not the time of the rules.
   */
  async measureFirstPackets(command: FirstPacketsCommand): Promise<number | undefined> {
    const before = await this.#countReceived()
    this.#client.stdin!.write(`${JSON.stringify(command)}\n`)
    const { value, done } = await this.#resultLines.next()
    if (done === true) throw new Error(`${this.name}: the client has ended`)
    const arrived = (await this.#countReceived()) - before
    return arrived < 0.99 * command.count ? undefined : Number(value)
  }

  /** Number of packets that have reached the rules. */
  async #countReceived(): Promise<number> {
    const { stdout } = await this.#network.node.run('cat', ['/proc/net/snmp'])
    const [names, values] = stdout.split('\n').filter(line => line.startsWith('Ip:'))
    return Number(values!.split(' ')[names!.split(' ').indexOf('InReceives')])
  }
}
