/**
 * Measures the cost of rules: `npm run bench -- rules [SIZES…] [nft|legacy]`, by default 10, 1,000 and 10,000 ClusterIPs, nft.
 * For each size, with the tree of chains and with a flat list for comparison: the time to write all rules, the writes for a change of one
 * Service, and the cost of the first packet of a connection. Needs root. Everything runs in its own network
 * namespaces. Exit code 1 if the first packet costs more than the target.
 */
import { restoreInput } from '../../lib/netfilter/iptables-restore.js'
import { type Rule, type RuleSet } from '../../lib/netfilter/rule-set.js'
import { NODE_IP, type TeardownScope } from '../../test/support/nodes/node-network.js'
import { addressTree } from '../../test/netfilter/tree/build-trees.js'
import { CleanupStack } from './cleanup-stack.js'
import { LISTENERS, PORTS, RuleTestbed, type RuleLayout } from './rule-testbed.js'

const args = process.argv.slice(2)
const sizes = args.map(Number).filter(size => size > 0)
if (sizes.length === 0) sizes.push(10, 1000, 10_000)
const backEnd = args.includes('legacy') ? 'legacy' : 'nft'
/** Number of changes of one Service, each with its reversal. */
const CHANGES = 7
/** Many short rounds, so that other work on the machine affects all testbeds equally. */
const FIRST_PACKET_ROUNDS = { UDP: { rounds: 15, count: 4000 }, TCP: { rounds: 45, count: 60 } } as const
const MAX_RATIO = 1.5
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

function buildRuleSet(shape: RuleLayout, addresses: readonly string[]): RuleSet {
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

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!
const formatMicroseconds = (nanoseconds: number): string => (nanoseconds / 1000).toFixed(2).padStart(8)
const print = (line: string): boolean => process.stdout.write(`${line}\n`)

/** Writes all rules, and then repeatedly removes and adds one Service. */
async function measureWriting(site: RuleTestbed, shape: RuleLayout): Promise<void> {
  const addresses = addressesOf(site.size)
  const all = buildRuleSet(shape, addresses)
  const { text } = restoreInput(all, new Map())
  const took = await site.restore(text)
  const one: { ms: number; text: string; deciding: number }[] = []
  for (let round = 0; round < CHANGES; round++) {
    const gone = addresses[Math.floor(Math.random() * addresses.length)]
    for (const desired of [addresses.filter(address => address !== gone), addresses]) {
      const found = await site.read()
      const startedAt = performance.now()
      const change = restoreInput(buildRuleSet(shape, desired), found).text
      const deciding = performance.now() - startedAt
      one.push({ ms: await site.restore(change), text: change, deciding })
    }
  }
  if (restoreInput(all, await site.read()).text !== '') throw new Error(`${site.name}: not as it was written`)
  const lines = one.map(change => change.text.split('\n').length - 1)
  print(
    `${site.name.padEnd(12)} all: ${took.toFixed(0).padStart(5)} ms, ${text.length} bytes, ` +
      `${all.tables.get('nat')!.chains.size} chains   one Service: ${median(one.map(({ ms }) => ms)).toFixed(0)} ms ` +
      `(and ${median(one.map(({ deciding }) => deciding)).toFixed(0)} ms to decide), ${median(lines)} lines at most ${Math.max(...lines)}, ` +
      `${median(one.map(change => change.text.length))} bytes`,
  )
}

/** Measures all testbeds in turn, each round starting with another one. @returns the times of all rounds by testbed */
async function measureFirstPackets(
  sites: readonly RuleTestbed[],
  protocol: 'UDP' | 'TCP',
): Promise<Map<RuleTestbed, number[]>> {
  const { rounds, count } = FIRST_PACKET_ROUNDS[protocol]
  const times = new Map<RuleTestbed, number[]>(sites.map(site => [site, []]))
  let discarded = 0
  // The first round only warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const n of sites.keys()) {
      const site = sites[(n + round) % sites.length]!
      const command = { protocol, port: PORTS[protocol], count, addresses: addressesOf(site.size) }
      const nanoseconds = await site.measureFirstPackets(command)
      if (nanoseconds === undefined) discarded++
      else if (round > 0) times.get(site)!.push(nanoseconds)
    }
  }
  if (discarded > 0) print(`\n${discarded} measurements are left out: packets were put off or dropped`)
  return times
}

/** The ratio of medians is the result. The ratio of the lowest values shows the result without other work on the machine. */
function report(title: string, sites: readonly RuleTestbed[], times: ReadonlyMap<RuleTestbed, number[]>): void {
  print(
    `\n${title}: µs, median (lowest … highest) of up to ${Math.max(...[...times.values()].map(all => all.length))} rounds`,
  )
  const middle = (site: RuleTestbed): number => median(times.get(site)!)
  for (const site of sites) {
    const all = times.get(site)!
    const first = sites.find(other => other.shape === site.shape)!
    const ratio = middle(site) / middle(first)
    const lowest = Math.min(...all) / Math.min(...times.get(first)!)
    const compared = site === first ? '' : `  × ${ratio.toFixed(2)} of ${first.name} (lowest × ${lowest.toFixed(2)})`
    const above = formatMicroseconds(middle(site) - middle(sites[0]!))
    print(
      `${site.name.padEnd(12)} ${formatMicroseconds(middle(site))} (${formatMicroseconds(Math.min(...all))} … ${formatMicroseconds(Math.max(...all))})  ${above} above no rules${compared}`,
    )
    if (site.shape === 'tree' && !(ratio <= MAX_RATIO)) process.exitCode = 1
  }
}

await CleanupStack.run(async (t: TeardownScope) => {
  print(`iptables-${backEnd}`)
  const sites = [await RuleTestbed.create(t, backEnd, undefined, Math.max(...sizes))]
  for (const size of sizes)
    for (const shape of ['tree', 'flat'] as const) {
      const site = await RuleTestbed.create(t, backEnd, shape, size)
      await measureWriting(site, shape)
      sites.push(site)
    }
  report('the bare first packet, UDP, with what it costs its sender', sites, await measureFirstPackets(sites, 'UDP'))
  report('a whole connection set up, TCP, by the client', sites, await measureFirstPackets(sites, 'TCP'))
  print(`\nwanted: at most × ${MAX_RATIO} with the tree, from the smallest size to the largest`)
})
