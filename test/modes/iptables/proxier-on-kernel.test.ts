import t, { type Test } from 'tap'
import { LocalAddresses } from '../../../lib/model/local-addresses.js'
import { chainOwners } from '../../../lib/modes/registry.js'
import { NetworkNamespace } from '../../../lib/demo/network-namespace.js'
import { type IpFamily } from '../../../lib/model/address.js'
import { parseCidr } from '../../../lib/model/cidr.js'
import { type Endpoint } from '../../../lib/model/endpoint.js'
import { discardEvents } from '../../../lib/model/event-sink.js'
import { type ServicePort } from '../../../lib/model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../../../lib/model/snapshot.js'
import { IPTABLES_CHAINS } from '../../../lib/modes/iptables/chains.js'
import { IptablesProxier, type IptablesProxierOptions } from '../../../lib/modes/iptables/proxier.js'
import { endpointChainName } from '../../../lib/modes/iptables/service-chain-names.js'
import { removeStaleChains } from '../../../lib/modes/remove-stale-chains.js'
import { IptablesPrograms } from '../../../lib/system/iptables.js'
import { RecordingLog } from '../../support/log/recording-log.js'
import { makeEndpoint } from '../../support/model/make-endpoint.js'
import { MemoryConntrack } from '../../support/kernel/memory-conntrack.js'
import { DAMAGED_TABLE, RULE_DAMAGES, damageInput, rulesOfMode } from '../../support/kernel/rule-damages.js'
import { namespacesUnavailable } from '../../support/nodes/node-network.js'
import { makeServicePort } from '../../support/model/make-service-port.js'

const LOCAL_ADDRESSES = new LocalAddresses(['192.168.50.1', 'fd00:50::1'])
/** Addresses of one family, by number: of Services, of endpoints, and external ones. */
const ADDRESSES: Readonly<Record<IpFamily, Readonly<Record<'service' | 'pod' | 'world', (n: number) => string>>>> = {
  IPv4: { service: n => `10.96.0.${n}`, pod: n => `10.244.0.${n}`, world: n => `203.0.113.${n}` },
  IPv6: {
    service: n => `fd00:96::${n.toString(16)}`,
    pod: n => `fd00:244::${n.toString(16)}`,
    world: n => `2001:db8::${n.toString(16)}`,
  },
}
const NETWORKS = { IPv4: ['192.168.50.0/24', '10.244.0.0/16'], IPv6: ['fd00:50::/64', 'fd00:244::/64'] }
const NODE = { IPv4: '192.168.50.1', IPv6: 'fd00:50::1' }

function servedPort(servicePort: ServicePort, endpoints: readonly Endpoint[]): ServedPort {
  const local = endpoints.filter(({ isLocal }) => isLocal)
  return { servicePort, endpoints, usable: { cluster: endpoints, local, hasAny: endpoints.length > 0 } }
}

function snapshotOf(ports: readonly ServedPort[]): ServiceSnapshot {
  return { generation: 1, ports: new Map(ports.map(port => [port.servicePort.key, port])) }
}

/** One Service for each kind of rule. */
function everyServiceKind(family: IpFamily): ServedPort[] {
  const { service, pod, world } = ADDRESSES[family]
  const endpoints = Array.from({ length: 7 }, (_, n) => makeEndpoint(pod(n + 2), { isLocal: n < 2 }))
  const outside = { nodePort: 30080, externalIPs: [world(1)], loadBalancerIPs: [world(2), world(3)] }
  const ranges = NETWORKS[family].map(range => parseCidr(range)!)
  const kinds: readonly Partial<ServicePort>[] = [
    {},
    { protocol: 'UDP', portName: 'dns' },
    { protocol: 'SCTP', affinitySeconds: 86_400 },
    { affinitySeconds: 1 },
    { internalPolicyLocal: true },
    outside,
    { ...outside, externalPolicyLocal: true, healthCheckNodePort: 32_000 },
    { ...outside, sourceRanges: ranges, rangesAtNodePort: true },
    { ...outside, sourceRanges: [], protocol: 'UDP' },
  ]
  return kinds.flatMap((kind, n) =>
    [endpoints, endpoints.slice(3), endpoints.slice(0, 1), []].map((some, m) => {
      const number = 4 * n + m
      const shifted =
        kind.nodePort === undefined ? {} : { nodePort: 30_000 + number, externalIPs: [world(10 + number)] }
      const port = { ...kind, ...shifted, family, name: `web-${number}`, clusterIP: service(number + 1) }
      return servedPort(
        makeServicePort(
          kind.loadBalancerIPs === undefined ? port : { ...port, loadBalancerIPs: [world(100 + number)] },
        ),
        some,
      )
    }),
  )
}

/** The kernel of a network namespace. */
class KernelUnderTest {
  readonly log = new RecordingLog()
  readonly namespace: NetworkNamespace
  readonly iptables: IptablesPrograms
  readonly localnetCalls: string[] = []
  readonly #family: IpFamily

  constructor(namespace: NetworkNamespace, family: IpFamily, backEnd: 'nft' | 'legacy') {
    this.namespace = namespace
    this.#family = family
    this.iptables = new IptablesPrograms(family, backEnd, (...call) => namespace.run(...call))
  }

  /** A new proxier, without the memory of an earlier one. */
  async proxier(given: Partial<IptablesProxierOptions> = {}): Promise<IptablesProxier> {
    const pods = NETWORKS[this.#family].map(range => ({ source: parseCidr(range)! }))
    const proxier = new IptablesProxier({
      iptables: [this.iptables],
      chainOwners: chainOwners('iptables'),
      settings: { masqueradeAll: false, masqueradeMark: 0x4000, randomFully: true, dropInvalid: true },
      conntrack: new MemoryConntrack(),
      nodeAddress: family => NODE[family],
      nodeAddresses: family => [NODE[family]],
      localAddresses: () => LOCAL_ADDRESSES,
      localTraffic: () => ({ localMatches: pods.slice(1), nodePortAddresses: undefined }),
      localhostNodePorts: () => true,
      allowRouteLocalnet: () => this.localnetCalls.push('allowed'),
      events: discardEvents,
      log: this.log,
      ...given,
    })
    await proxier.start()
    return proxier
  }

  async iptablesCommand(...args: string[]): Promise<void> {
    const program = `${this.#family === 'IPv4' ? 'iptables' : 'ip6tables'}-${this.backEnd}`
    const { exitCode, stderr } = await this.namespace.run(program, args)
    if (exitCode !== 0) throw new Error(`${args.join(' ')}: ${stderr}`)
  }

  get backEnd(): string {
    return this.namespace.name.split('-').at(-1)!
  }

  /** Whether a new proxier finds anything to write. */
  async findsDifference(snapshot: ServiceSnapshot, given: Partial<IptablesProxierOptions> = {}): Promise<boolean> {
    const proxier = await this.proxier(given)
    await proxier.update(snapshot)
    return (await proxier.rules[0]!.program(false)).changed
  }
}

function onEachKernel(name: string, run: (t: Test, kernel: KernelUnderTest, family: IpFamily) => Promise<void>): void {
  for (const backEnd of ['nft', 'legacy'] as const)
    for (const family of ['IPv4', 'IPv6'] as const)
      void t.test(`${name} (${backEnd}, ${family})`, { skip: namespacesUnavailable, timeout: 120_000 }, async t => {
        const namespace = await NetworkNamespace.create(`kpn${process.pid}-${family}-${backEnd}`)
        t.teardown(() => namespace.delete())
        await run(t, new KernelUnderTest(namespace, family, backEnd), family)
      })
}

onEachKernel(
  'Rules of every setting are found again after the write, and are removed completely',
  async (t, kernel, family) => {
    const pods = NETWORKS[family].map(range => ({ source: parseCidr(range)! }))
    const settings = { masqueradeAll: true, masqueradeMark: 0x8000_0000, randomFully: false, dropInvalid: false }
    const snapshot = snapshotOf(everyServiceKind(family))
    const variants: readonly Partial<IptablesProxierOptions>[] = [
      {},
      { localTraffic: () => ({ localMatches: pods, nodePortAddresses: [NODE[family]] }) },
      { localTraffic: () => ({ localMatches: [{ inInterface: 'cali+' }], nodePortAddresses: [] }) },
      {
        settings,
        localhostNodePorts: () => false,
        localTraffic: () => ({ localMatches: [], nodePortAddresses: undefined }),
      },
    ]
    for (const given of variants) {
      const proxier = await kernel.proxier(given)
      await proxier.update(snapshot)
      t.equal((await proxier.rules[0]!.program(false)).changed, true)
      t.equal(await kernel.findsDifference(snapshot, given), false)
    }
    await removeStaleChains(kernel.iptables, chainOwners(undefined))
    const remaining = await kernel.iptables.read(['filter', 'nat', 'mangle'])
    const chains = [...remaining.values()].flatMap(table => [...table.keys()]).filter(name => name.startsWith('KUBE-'))
    t.strictSame(chains, family === 'IPv4' ? ['KUBE-FIREWALL'] : [], 'except the chain that the kubelet shares')
  },
)

onEachKernel('A change of endpoints writes the chains of its Service', async (t, kernel, family) => {
  const ports = everyServiceKind(family)
  const proxier = await kernel.proxier()
  await proxier.update(snapshotOf(ports))
  await proxier.rules[0]!.program(false)
  const { servicePort, endpoints } = ports[0]!
  const added = makeEndpoint(ADDRESSES[family].pod(99))
  const next = snapshotOf(ports.with(0, servedPort(servicePort, [...endpoints.slice(1), added])))
  await proxier.update(next)
  t.equal(proxier.rules[0]!.pending, true)
  const before = await kernel.iptables.read(['nat'])
  t.equal((await proxier.rules[0]!.program(false)).changed, true)
  t.equal(await kernel.findsDifference(next), false)
  const after = await kernel.iptables.read(['nat'])
  const chainsOf = (rules: typeof before): string[] => [...rules.get('nat')!.keys()]
  t.strictSame(
    chainsOf(before).filter(name => !chainsOf(after).includes(name)),
    [endpointChainName(servicePort, endpoints[0]!)],
  )
  t.strictSame(
    chainsOf(after).filter(name => !chainsOf(before).includes(name)),
    [endpointChainName(servicePort, added)],
  )
})

onEachKernel('Flushed rules are written again, and rules of other programs stay', async (t, kernel, family) => {
  const loopback = family === 'IPv4' ? '127.0.0.0/8' : '::1'
  await kernel.iptablesCommand('-N', 'KUBE-FIREWALL')
  await kernel.iptablesCommand('-A', 'KUBE-FIREWALL', '-s', loopback, '-j', 'RETURN')
  await kernel.iptablesCommand('-t', 'nat', '-N', 'KUBE-SVC-AAAAAAAAAAAAAAAA')
  await kernel.iptablesCommand('-t', 'nat', '-A', 'POSTROUTING', '-o', 'eth0', '-j', 'MASQUERADE')
  const ports = everyServiceKind(family)
  const snapshot = snapshotOf(ports)
  const proxier = await kernel.proxier()
  const [rules] = proxier.rules
  await proxier.update(snapshot)
  await rules!.program(false)
  t.equal((await rules!.program(true)).changed, false)
  const observed = await kernel.iptables.read(['filter', 'nat'])
  t.equal(observed.get('nat')!.has('KUBE-SVC-AAAAAAAAAAAAAAAA'), false, 'stale chains with an owned prefix are removed')
  t.match(observed.get('filter')!.get('KUBE-FIREWALL')!.at(-1), ['-s', /./, '-j', 'RETURN'])
  t.match(observed.get('nat')!.get('POSTROUTING')!.at(-1), ['-o', 'eth0', '-j', 'MASQUERADE'])

  for (const table of ['nat', 'filter']) {
    await kernel.iptablesCommand('-t', table, '-F')
    t.equal((await rules!.program(true)).changed, true, table)
    t.equal(await kernel.findsDifference(snapshot), false)
  }
})

onEachKernel('A check puts back any rule that another program has removed', async (t, kernel, family) => {
  const snapshot = snapshotOf(everyServiceKind(family).slice(0, 24))
  const proxier = await kernel.proxier()
  const [rules] = proxier.rules
  await proxier.update(snapshot)
  await rules!.program(false)
  // Half of the jumps from each chain of the kernel, then the other half and the first rule of every chain.
  const builtIn = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']
  for (const parity of [0, 1]) {
    const lines: string[] = []
    for (const [table, chains] of await kernel.iptables.read(['nat', 'filter'])) {
      lines.push(`*${table}`)
      for (const [chain, ofChain] of chains) {
        const positions = ofChain.map((_, index) => index + 1)
        const removed = builtIn.includes(chain)
          ? positions.filter(position => position % 2 === parity)
          : positions.slice(0, parity)
        for (const position of removed.toReversed()) lines.push(`-D ${chain} ${position}`)
      }
      lines.push('COMMIT')
    }
    await kernel.iptables.restore(`${lines.join('\n')}\n`)
    t.equal((await rules!.program(true)).changed, true)
    t.equal(await kernel.findsDifference(snapshot), false)
  }
  t.equal((await rules!.program(true)).changed, false)
})

onEachKernel('A check repairs every kind of damage', async (t, kernel, family) => {
  const proxier = await kernel.proxier()
  const [rules] = proxier.rules
  await proxier.update(snapshotOf(everyServiceKind(family).slice(0, 4)))
  await rules!.program(false)
  const readTable = async () => (await kernel.iptables.read([DAMAGED_TABLE])).get(DAMAGED_TABLE)!
  const intact = rulesOfMode(await readTable(), IPTABLES_CHAINS)
  for (const damage of RULE_DAMAGES) {
    await kernel.iptables.restore(damageInput(damage, await readTable(), IPTABLES_CHAINS))
    t.notSame(rulesOfMode(await readTable(), IPTABLES_CHAINS), intact, damage.name)
    t.equal((await rules!.program(true)).changed, true, damage.name)
    t.strictSame(rulesOfMode(await readTable(), IPTABLES_CHAINS), intact, damage.name)
    t.equal((await rules!.program(true)).changed, false, damage.name)
  }
})

onEachKernel(
  'A check puts links above rules that take their packets, and above no others',
  async (t, kernel, family) => {
    const proxier = await kernel.proxier()
    const [rules] = proxier.rules
    await proxier.update(snapshotOf(everyServiceKind(family).slice(0, 1)))
    await rules!.program(false)
    const first = async (table: string, chain: string): Promise<string> =>
      (await kernel.iptables.read([table])).get(table)!.get(chain)![0]!.join(' ')
    await kernel.iptablesCommand('-N', 'OTHER-ACCEPTS')
    await kernel.iptablesCommand('-A', 'OTHER-ACCEPTS', '-j', 'ACCEPT')
    await kernel.iptablesCommand('-N', 'OTHER')
    await kernel.iptablesCommand('-t', 'nat', '-N', 'OTHER-ACCEPTS')
    await kernel.iptablesCommand('-t', 'nat', '-A', 'OTHER-ACCEPTS', '-j', 'ACCEPT')

    await kernel.iptablesCommand('-I', 'INPUT', '-i', 'cni0', '-j', 'ACCEPT')
    await kernel.iptablesCommand('-I', 'FORWARD', '-j', 'OTHER-ACCEPTS')
    await kernel.iptablesCommand('-t', 'nat', '-I', 'PREROUTING', '-i', 'cni0', '-j', 'ACCEPT')
    t.equal((await rules!.program(true)).changed, true)
    t.match(await first('filter', 'INPUT'), /-j KUBE-PROXY-(FIREWALL|INVALID)$/)
    t.match(await first('filter', 'FORWARD'), /-j KUBE-PROXY-(FIREWALL|INVALID)$/)
    t.match(await first('nat', 'PREROUTING'), /-j KUBE-SERVICES$/)
    t.equal((await rules!.program(true)).changed, false)

    await kernel.iptablesCommand('-I', 'INPUT', '-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED', '-j', 'ACCEPT')
    await kernel.iptablesCommand('-I', 'FORWARD', '-j', 'OTHER')
    await kernel.iptablesCommand('-t', 'nat', '-I', 'PREROUTING', '-j', 'OTHER-ACCEPTS')
    t.equal((await rules!.program(true)).changed, false)
    t.match(await first('nat', 'PREROUTING'), /-j OTHER-ACCEPTS$/)
  },
)

void t.test('After a failed write all rules are read', { skip: namespacesUnavailable }, async t => {
  const namespace = await NetworkNamespace.create(`kpn${process.pid}-failing-nft`)
  t.teardown(() => namespace.delete())
  const kernel = new KernelUnderTest(namespace, 'IPv4', 'nft')
  const ports = everyServiceKind('IPv4')
  const proxier = await kernel.proxier()
  const [rules] = proxier.rules
  await proxier.update(snapshotOf(ports))
  await rules!.program(false)
  // Another program jumps to a chain that the write would delete: the kernel refuses the whole text.
  const { servicePort, endpoints } = ports[0]!
  await kernel.iptablesCommand('-t', 'nat', '-A', 'OUTPUT', '-j', endpointChainName(servicePort, endpoints[0]!))
  const next = snapshotOf(ports.with(0, servedPort(servicePort, endpoints.slice(1))))
  await proxier.update(next)
  await t.rejects(rules!.program(false), { code: 'IPTABLES_RESTORE_FAILED' })
  t.equal(rules!.pending, true)
  t.equal((await rules!.program(false)).changed, true)
  t.equal(rules!.pending, false)
  t.equal(await kernel.findsDifference(next), false)
  t.end()
})

void t.test(
  'route_localnet is allowed only for node ports on loopback, and after the rules that keep other hosts out',
  { skip: namespacesUnavailable },
  async t => {
    const namespace = await NetworkNamespace.create(`kpn${process.pid}-localnet-nft`)
    t.teardown(() => namespace.delete())
    const kernel = new KernelUnderTest(namespace, 'IPv4', 'nft')
    const without = await kernel.proxier({ localhostNodePorts: () => false })
    await without.rules[0]!.program(false)
    t.strictSame(kernel.localnetCalls, [])
    let isProtected = false
    const proxier = await kernel.proxier({
      allowRouteLocalnet: () => {
        isProtected = rulesWritten
        kernel.localnetCalls.push('allowed')
      },
    })
    let rulesWritten = false
    const restore = kernel.iptables.restore.bind(kernel.iptables)
    kernel.iptables.restore = async text => {
      await restore(text)
      rulesWritten = text.includes('block incoming localnet connections')
    }
    await proxier.rules[0]!.program(false)
    await proxier.rules[0]!.program(true)
    t.strictSame(kernel.localnetCalls, ['allowed'])
    t.ok(isProtected)
    t.end()
  },
)
