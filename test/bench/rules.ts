/**
 * What rules cost: `node dist/test/bench/rules.js [SIZES…] [nft|legacy]`, by default 10, 1,000 and 10,000 ClusterIPs, nft.
 * For each size the tree of chains and, for comparison, one flat list: the time to write all rules, what a change of one
 * Service writes, and what the first packet of a connection costs. Needs root. Everything happens in network namespaces of
 * its own. Exit code 1 when the first packet costs more than wanted.
 */
import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { addressTree } from '../../lib/rules/address-tree.js'
import { parseSaveText } from '../../lib/rules/found-rules.js'
import { restoreText } from '../../lib/rules/restore-text.js'
import { type Rule, type RuleSet } from '../../lib/rules/rule-set.js'
import { NODE_IP, NodeNetwork, type Teardown } from '../support/node-network.js'
import { Ending } from './ending.js'
import { type FirstPacketsCommand } from './first-packets.js'

const args = process.argv.slice(2)
const sizes = args.map(Number).filter(size => size > 0)
if (sizes.length === 0) sizes.push(10, 1000, 10_000)
const backEnd = args.includes('legacy') ? 'legacy' : 'nft'
const ROUNDS = 9
const PACKETS = 4000
const CONNECTIONS = 300
const WANTED_RATIO = 1.5
const PORTS = { UDP: 53, TCP: 80 } as const
const LISTENERS = { UDP: 40_053, TCP: 40_080 } as const
/** Entries go soon, so that no table gets full. */
const SYSCTLS = ['udp_timeout', 'tcp_timeout_close', 'tcp_timeout_established', 'tcp_timeout_syn_sent'].map(
  name => `net.netfilter.nf_conntrack_${name}=1`,
)
const FIRST_PACKETS = fileURLToPath(new URL('first-packets.js', import.meta.url))
const RECEIVER = fileURLToPath(new URL('silent-receiver.js', import.meta.url))

type Shape = 'tree' | 'flat'
const clusterIP = (n: number): string => `10.96.${n >> 8}.${n & 255}`
const addressesOf = (size: number): string[] => Array.from({ length: size }, (_, n) => clusterIP(n))

function rulesOf(address: string): Rule[] {
  return (['TCP', 'UDP'] as const).map(protocol => ({
    comment: `default/service-${address}`,
    destination: address,
    protocol,
    destinationPort: PORTS[protocol],
    target: { kind: 'DNAT', address: NODE_IP, port: LISTENERS[protocol] },
  }))
}

function ruleSet(shape: Shape, addresses: readonly string[]): RuleSet {
  const entries = addresses.map(address => ({ address, rules: rulesOf(address) }))
  const { root, chains } =
    shape === 'tree'
      ? addressTree('KUBE-TREE-', entries)
      : { root: entries.flatMap(({ rules }) => rules), chains: new Map<string, Rule[]>() }
  const link: Rule = { comment: 'bench', target: { kind: 'jump', chain: 'KUBE-PORTALS-CONTAINER' } }
  const nat = {
    chains: new Map([['KUBE-PORTALS-CONTAINER', root], ...chains]),
    links: [{ chain: 'PREROUTING', position: 'first' as const, rule: link }],
    ownedPrefixes: ['KUBE-TREE-'],
  }
  return { family: 'IPv4', tables: new Map([['nat', nat]]) }
}

/** A node with rules of one shape, or none, and a Pod that sends. */
class Site {
  readonly name: string
  readonly shape: Shape | undefined
  readonly size: number
  readonly #network: NodeNetwork
  readonly #client: ChildProcess
  readonly #answers: AsyncIterator<string>

  private constructor(shape: Shape | undefined, size: number, network: NodeNetwork, client: ChildProcess) {
    this.name = shape === undefined ? 'no rules' : `${shape} ${size}`
    this.shape = shape
    this.size = size
    this.#network = network
    this.#client = client
    this.#answers = createInterface({ input: client.stdout! })[Symbol.asyncIterator]()
  }

  static async create(t: Teardown, shape: Shape | undefined, size: number): Promise<Site> {
    const network = await NodeNetwork.create(t)
    const pod = await network.addPod('no-address')
    // Also where no rule matches, packets arrive: the same way is gone, but for the rules.
    await network.node.configure('route add local 10.96.0.0/12 dev lo')
    for (const [protocol, port] of Object.entries(shape === undefined ? PORTS : LISTENERS)) {
      const receiver = network.start(network.node, process.execPath, [RECEIVER, protocol, String(port)])
      await once(receiver.stdout!, 'data')
      // The kernel fills its buffer, and then throws away: nobody wakes up for a packet.
      if (protocol === 'UDP') receiver.kill('SIGSTOP')
    }
    const client = network.start(pod.namespace, process.execPath, [FIRST_PACKETS])
    client.stderr!.pipe(process.stderr)
    const site = new Site(shape, size, network, client)
    // A table without rules too: with it comes conntrack.
    await site.restore('*nat\n:KUBE-BENCH - [0:0]\n-A POSTROUTING -s 240.0.0.1/32 -j KUBE-BENCH\nCOMMIT\n')
    for (const setting of SYSCTLS) await network.node.run('sysctl', ['-qw', setting])
    return site
  }

  async restore(text: string): Promise<number> {
    const startedAt = performance.now()
    const options = { input: text, timeoutMs: 120_000 }
    const { exitCode, stderr } = await this.#network.node.run(`iptables-${backEnd}-restore`, ['--noflush'], options)
    if (exitCode !== 0) throw new Error(`${this.name}: ${stderr}`)
    return performance.now() - startedAt
  }

  async read(): Promise<ReturnType<typeof parseSaveText>> {
    const options = { timeoutMs: 120_000 }
    return parseSaveText((await this.#network.node.run(`iptables-${backEnd}-save`, ['-t', 'nat'], options)).stdout)
  }

  /** Nanoseconds for each. */
  async firstPackets(command: FirstPacketsCommand): Promise<number> {
    this.#client.stdin!.write(`${JSON.stringify(command)}\n`)
    const { value, done } = await this.#answers.next()
    if (done === true) throw new Error(`${this.name}: the client has ended`)
    return Number(value)
  }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!
const us = (nanoseconds: number): string => (nanoseconds / 1000).toFixed(2).padStart(8)
const print = (line: string): boolean => process.stdout.write(`${line}\n`)

/** Writes all rules, and then, some times, one Service less and more again. */
async function measureWriting(site: Site, shape: Shape): Promise<void> {
  const addresses = addressesOf(site.size)
  const all = ruleSet(shape, addresses)
  const { text } = restoreText(all, new Map())
  const took = await site.restore(text)
  const one: { ms: number; text: string; deciding: number }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const gone = addresses[Math.floor(Math.random() * addresses.length)]
    for (const wanted of [addresses.filter(address => address !== gone), addresses]) {
      const found = await site.read()
      const startedAt = performance.now()
      const change = restoreText(ruleSet(shape, wanted), found).text
      const deciding = performance.now() - startedAt
      one.push({ ms: await site.restore(change), text: change, deciding })
    }
  }
  if (restoreText(all, await site.read()).text !== '') throw new Error(`${site.name}: not as it was written`)
  const lines = one.map(change => change.text.split('\n').length - 1)
  print(
    `${site.name.padEnd(12)} all: ${took.toFixed(0).padStart(5)} ms, ${text.length} bytes, ` +
      `${all.tables.get('nat')!.chains.size} chains   one Service: ${median(one.map(({ ms }) => ms)).toFixed(0)} ms ` +
      `(and ${median(one.map(({ deciding }) => deciding)).toFixed(0)} ms to decide), ${median(lines)} lines at most ${Math.max(...lines)}, ` +
      `${median(one.map(change => change.text.length))} bytes`,
  )
}

/** All sites in turn, and that many times. @returns by site, the times of all rounds */
async function measure(sites: readonly Site[], protocol: 'UDP' | 'TCP', count: number): Promise<Map<Site, number[]>> {
  const times = new Map<Site, number[]>(sites.map(site => [site, []]))
  // The first round only warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const site of sites) {
      const command = { protocol, port: PORTS[protocol], count, addresses: addressesOf(site.size) }
      const nanoseconds = await site.firstPackets(command)
      if (round > 0) times.get(site)!.push(nanoseconds)
    }
  }
  return times
}

function report(title: string, sites: readonly Site[], times: ReadonlyMap<Site, number[]>): void {
  print(`\n${title}: µs, median of ${ROUNDS} rounds (lowest … highest)`)
  const middle = (site: Site): number => median(times.get(site)!)
  const base = middle(sites[0]!)
  for (const site of sites) {
    const all = times.get(site)!
    const first = sites.find(other => other.shape === site.shape)!
    const ratio = middle(site) / middle(first)
    const lowest = Math.min(...all) / Math.min(...times.get(first)!)
    const rulesAlone = (middle(site) - base) / (middle(first) - base)
    print(
      `${site.name.padEnd(12)} ${us(middle(site))} (${us(Math.min(...all))} … ${us(Math.max(...all))})` +
        `  ${us(middle(site) - base)} above no rules` +
        (site === first
          ? ''
          : `  × ${ratio.toFixed(2)} of ${first.name} (lowest × ${lowest.toFixed(2)}), rules alone × ${rulesAlone.toFixed(2)}`),
    )
    if (site.shape === 'tree' && ratio > WANTED_RATIO) process.exitCode = 1
  }
}

await Ending.around(async (t: Teardown) => {
  print(`iptables-${backEnd}, ${ROUNDS} rounds, interleaved`)
  const sites = [await Site.create(t, undefined, Math.max(...sizes))]
  for (const size of sizes)
    for (const shape of ['tree', 'flat'] as const) {
      const site = await Site.create(t, shape, size)
      await measureWriting(site, shape)
      sites.push(site)
    }
  report('the bare first packet, UDP, with what it costs its sender', sites, await measure(sites, 'UDP', PACKETS))
  report('a whole connection set up, TCP, by the client', sites, await measure(sites, 'TCP', CONNECTIONS))
  print(`\nwanted: at most × ${WANTED_RATIO} with the tree, from the smallest size to the largest`)
})
