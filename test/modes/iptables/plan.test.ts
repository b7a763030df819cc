import t from 'tap'
import { type Endpoint } from '../../../lib/model/endpoint.js'
import { parseCidr } from '../../../lib/model/cidr.js'
import { type ServicePort } from '../../../lib/model/service-port.js'
import { type ServedPort } from '../../../lib/model/snapshot.js'
import { IptablesPlanner, type PlanInput } from '../../../lib/modes/iptables/plan.js'
import { type RuleSettings } from '../../../lib/modes/rule-settings.js'
import { endpointChainName, serviceChainNames } from '../../../lib/modes/iptables/service-chain-names.js'
import { frontendsOf } from '../../../lib/frontends/frontend.js'
import { type LocalMatch } from '../../../lib/frontends/local-traffic.js'
import { observedAfter, restoreInput } from '../../../lib/netfilter/iptables-restore.js'
import { ruleDiff } from '../../../lib/netfilter/rule-diff.js'
import { type RuleSet } from '../../../lib/netfilter/rule-set.js'
import { makeEndpoint } from '../../support/model/make-endpoint.js'
import { MemoryTables } from '../../support/kernel/memory-tables.js'
import { makeServicePort } from '../../support/model/make-service-port.js'
import { type Packet, traceAll } from '../../support/kernel/trace-packet.js'

const NODE = '192.168.50.1'
const MARK = 0x4000
const SETTINGS = { masqueradeAll: false, masqueradeMark: MARK, randomFully: true, dropInvalid: true }
const POD_NETWORK: LocalMatch = { source: parseCidr('10.244.0.0/16')! }
const LOCAL_ENDPOINT = makeEndpoint('10.244.0.5', { isLocal: true })
const REMOTE_ENDPOINT = makeEndpoint('10.244.1.5')

function servedPort(
  given: Partial<ServicePort> = {},
  endpoints: readonly Endpoint[] = [LOCAL_ENDPOINT, REMOTE_ENDPOINT],
): ServedPort {
  const local = endpoints.filter(({ isLocal }) => isLocal)
  return {
    servicePort: makeServicePort(given),
    endpoints,
    usable: { cluster: endpoints, local, hasAny: endpoints.length > 0 },
  }
}

function inputOf(ports: readonly ServedPort[], given: Partial<PlanInput> = {}): PlanInput {
  return {
    ports,
    frontends: ports.flatMap(frontendsOf),
    localTraffic: { localMatches: [POD_NETWORK], nodePortAddresses: undefined },
    nodeAddress: NODE,
    localhostNodePorts: true,
    ...given,
  }
}

function buildRules(
  ports: readonly ServedPort[],
  given: Partial<PlanInput> = {},
  settings: Partial<RuleSettings> = {},
) {
  return new IptablesPlanner('IPv4', { ...SETTINGS, ...settings }).plan(inputOf(ports, given))
}

function kernelOf(rules: RuleSet): MemoryTables {
  const kernel = new MemoryTables()
  kernel.restore(restoreInput(rules, new Map()).text)
  return kernel
}

/** The rules of a table's chain, as `iptables-save` prints them. */
function chain(kernel: MemoryTables, table: string, name: string): string[] | undefined {
  return kernel.chain(table, name)?.map(args => args.map(arg => (/ /.test(arg) ? `"${arg}"` : arg)).join(' '))
}

const PACKET_ORIGINS: Readonly<Record<string, Pick<Packet, 'hook' | 'source' | 'inInterface'>>> = {
  pod: { hook: 'PREROUTING', source: '10.244.0.99', inInterface: 'cni0' },
  node: { hook: 'OUTPUT', source: NODE },
  outside: { hook: 'PREROUTING', source: '192.0.2.99', inInterface: 'eth0' },
}

/** Where a packet may go, and ` masqueraded` if the endpoint sees the node's address. */
function traceDestinations(
  kernel: MemoryTables,
  from: keyof typeof PACKET_ORIGINS,
  destination: string,
  port: number,
  protocol: Packet['protocol'] = 'tcp',
): string {
  const packet: Packet = { ...PACKET_ORIGINS[from]!, destination, port, protocol, localAddresses: [NODE] }
  const outcomes = traceAll(kernel, packet).map(
    ({ verdict, isMasqueraded }) => verdict + (isMasqueraded ? ' masqueraded' : ''),
  )
  return [...new Set(outcomes)].join(', ')
}

void t.test('A Service with one port has the same chains as in kube-proxy', t => {
  const endpoints = ['10.244.0.5', '10.244.0.6', '10.244.1.5'].map(ip => makeEndpoint(ip, { port: 80 }))
  const port = makeServicePort({ namespace: 'ns1', name: 'svc1', affinitySeconds: 10_800, nodePort: 30080 })
  const kernel = kernelOf(buildRules([servedPort(port, endpoints)]))
  const seps = endpoints.map(endpoint => endpointChainName(port, endpoint))
  const recent = (sep: string): string => `--name ${sep} --mask 255.255.255.255 --rsource`
  t.strictSame(chain(kernel, 'nat', 'KUBE-SVC-AQI2S6QIMU7PVVRP'), [
    '! -s 10.244.0.0/16 -d 10.96.0.10/32 -p tcp -m comment --comment "ns1/svc1 cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ',
    ...endpoints.map(
      ({ ip }, index) =>
        `-m comment --comment "ns1/svc1 -> ${ip}:80" -m recent --rcheck --seconds 10800 --reap ${recent(seps[index]!)} -j ${seps[index]}`,
    ),
    ...endpoints.map(({ ip }, index) => {
      const chance = ['0.33333333349', '0.50000000000'][index]
      const statistic = chance === undefined ? '' : ` -m statistic --mode random --probability ${chance}`
      return `-m comment --comment "ns1/svc1 -> ${ip}:80"${statistic} -j ${seps[index]}`
    }),
  ])
  t.strictSame(chain(kernel, 'nat', seps[1]!), [
    '-s 10.244.0.6/32 -m comment --comment ns1/svc1 -j KUBE-MARK-MASQ',
    `-p tcp -m comment --comment ns1/svc1 -m recent --set ${recent(seps[1]!)} -j DNAT --to-destination 10.244.0.6:80`,
  ])
  t.strictSame(chain(kernel, 'nat', 'KUBE-EXT-AQI2S6QIMU7PVVRP'), [
    '-m comment --comment "masquerade traffic for ns1/svc1 external destinations" -j KUBE-MARK-MASQ',
    '-j KUBE-SVC-AQI2S6QIMU7PVVRP',
  ])
  t.strictSame(chain(kernel, 'nat', 'KUBE-NODEPORTS'), [
    '-p tcp -m comment --comment ns1/svc1 -m tcp --dport 30080 -j KUBE-EXT-AQI2S6QIMU7PVVRP',
  ])
  t.strictSame(chain(kernel, 'nat', 'KUBE-SERVICES'), [
    '-d 10.96.0.10/32 -p tcp -m comment --comment "ns1/svc1 cluster IP" -m tcp --dport 80 -j KUBE-SVC-AQI2S6QIMU7PVVRP',
    '-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS',
  ])
  t.strictSame(chain(kernel, 'nat', 'KUBE-POSTROUTING'), [
    '-m mark ! --mark 0x4000/0x4000 -j RETURN',
    '-j MARK --set-xmark 0x4000/0x0',
    '-m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
  ])
  t.strictSame(chain(kernel, 'nat', 'KUBE-MARK-MASQ'), ['-j MARK --set-xmark 0x4000/0x4000'])
  t.end()
})

void t.test('Packets go where they go in kube-proxy, and endpoints see the same source', t => {
  const [both, local, remote] = ['10.244.0.5:8080, 10.244.1.5:8080', '10.244.0.5:8080', '10.244.1.5:8080']
  const masqueraded = both
    .split(', ')
    .map(end => `${end} masqueraded`)
    .join(', ')
  const outside = { nodePort: 30080, externalIPs: ['203.0.113.7'], loadBalancerIPs: ['203.0.113.8'] }
  const policyLocal = { ...outside, externalPolicyLocal: true }
  const ranges = [parseCidr('192.0.2.0/24')!]
  type Row = readonly [
    why: string,
    served: ServedPort,
    destination: readonly [ip: string, port: number],
    outcomes: readonly [pod: string, node: string, outside: string],
    input?: Partial<PlanInput>,
    settings?: Partial<RuleSettings>,
  ]
  const clusterIP = ['10.96.0.10', 80] as const
  const external = ['203.0.113.7', 80] as const
  const balancer = ['203.0.113.8', 80] as const
  const nodePort = [NODE, 30080] as const
  const fromPods = (...pods: LocalMatch[]) => ({ localTraffic: { localMatches: pods, nodePortAddresses: undefined } })
  const table: readonly Row[] = [
    ['cluster IP', servedPort(), clusterIP, [both, masqueraded, masqueraded]],
    ['… without a way to recognise Pods', servedPort(), clusterIP, [both, both, both], fromPods()],
    ['… by interface', servedPort(), clusterIP, [both, masqueraded, masqueraded], fromPods({ inInterface: 'cni0' })],
    [
      '… by one of two',
      servedPort(),
      clusterIP,
      [both, masqueraded, masqueraded],
      fromPods({ source: parseCidr('10.250.0.0/16')! }, POD_NETWORK),
    ],
    ['… masquerade all', servedPort(), clusterIP, [masqueraded, masqueraded, masqueraded], {}, { masqueradeAll: true }],
    ['… no endpoints', servedPort({}, []), clusterIP, ['refused', 'refused', 'refused']],
    [
      '… policy Local',
      servedPort({ internalPolicyLocal: true }),
      clusterIP,
      [local, `${local} masqueraded`, `${local} masqueraded`],
    ],
    [
      '… endpoints on other nodes',
      servedPort({ internalPolicyLocal: true }, [REMOTE_ENDPOINT]),
      clusterIP,
      ['dropped', 'dropped', 'dropped'],
    ],
    ['external IP', servedPort(outside), external, [masqueraded, masqueraded, masqueraded]],
    ['… policy Local', servedPort(policyLocal), external, [both, masqueraded, local]],
    ['… without a way to recognise Pods', servedPort(policyLocal), external, [local, masqueraded, local], fromPods()],
    [
      '… endpoints on other nodes',
      servedPort(policyLocal, [REMOTE_ENDPOINT]),
      external,
      [remote, `${remote} masqueraded`, 'dropped'],
    ],
    ['… no endpoints', servedPort(policyLocal, []), external, ['refused', 'refused', 'refused']],
    ['node port', servedPort(outside), nodePort, [masqueraded, masqueraded, masqueraded]],
    [
      '… endpoints on other nodes',
      servedPort(policyLocal, [REMOTE_ENDPOINT]),
      nodePort,
      [remote, `${remote} masqueraded`, 'dropped'],
    ],
    ['… no endpoints', servedPort(outside, []), nodePort, ['refused', 'refused', 'refused']],
    ['… not on another host', servedPort(outside), ['192.168.50.77', 30080], ['untouched', 'untouched', 'untouched']],
    [
      '… at other addresses',
      servedPort(outside),
      nodePort,
      ['untouched', 'untouched', 'untouched'],
      { localTraffic: { localMatches: [POD_NETWORK], nodePortAddresses: ['10.0.0.9'] } },
    ],
    [
      '… no endpoints, at other addresses',
      servedPort(outside, []),
      nodePort,
      ['untouched', 'untouched', 'untouched'],
      { localTraffic: { localMatches: [POD_NETWORK], nodePortAddresses: ['10.0.0.9'] } },
    ],
    [
      '… at this address',
      servedPort(outside),
      nodePort,
      [masqueraded, masqueraded, masqueraded],
      { localTraffic: { localMatches: [POD_NETWORK], nodePortAddresses: [NODE] } },
    ],
    ['load-balancer IP', servedPort(outside), balancer, [masqueraded, masqueraded, masqueraded]],
    ['… with ranges', servedPort({ ...outside, sourceRanges: ranges }), balancer, ['dropped', 'dropped', masqueraded]],
    [
      '… with ranges, no endpoints',
      servedPort({ ...outside, sourceRanges: ranges }, []),
      balancer,
      ['dropped', 'dropped', 'refused'],
    ],
    ['… with no range', servedPort({ ...outside, sourceRanges: [] }), balancer, ['dropped', 'dropped', 'dropped']],
    [
      '… at the node port',
      servedPort({ ...outside, sourceRanges: ranges }),
      nodePort,
      [masqueraded, masqueraded, masqueraded],
    ],
    [
      '… with ranges there too',
      servedPort({ ...outside, sourceRanges: ranges, rangesAtNodePort: true }),
      nodePort,
      ['dropped', 'dropped', masqueraded],
    ],
  ]
  for (const [why, port, [ip, number], [pod, node, outside], input, settings] of table) {
    const kernel = kernelOf(buildRules([port], input, settings))
    for (const [from, expected] of Object.entries({ pod, node, outside }))
      t.equal(traceDestinations(kernel, from, ip, number), expected, `${why}: ${ip}:${number} from ${from}`)
  }
  t.end()
})

void t.test('Packets of an endpoint to itself are masqueraded', t => {
  const kernel = kernelOf(buildRules([servedPort({}, [makeEndpoint('10.244.0.99')])]))
  t.equal(traceDestinations(kernel, 'pod', '10.96.0.10', 80), '10.244.0.99:8080 masqueraded')
  t.end()
})

void t.test('SCTP is served like TCP and UDP', t => {
  const kernel = kernelOf(buildRules([servedPort({ protocol: 'SCTP' }, [REMOTE_ENDPOINT])]))
  t.equal(traceDestinations(kernel, 'pod', '10.96.0.10', 80, 'sctp'), '10.244.1.5:8080')
  t.equal(traceDestinations(kernel, 'pod', '10.96.0.10', 80, 'tcp'), 'untouched')
  t.end()
})

void t.test('Node ports answer on loopback if configured, and other hosts do not reach loopback', t => {
  const port = servedPort({ nodePort: 30080 }, [REMOTE_ENDPOINT])
  const loopback = (kernel: MemoryTables) =>
    traceAll(kernel, {
      ...{ hook: 'OUTPUT', protocol: 'tcp', destination: '127.0.0.1', port: 30080, source: '127.0.0.1' },
      localAddresses: [NODE],
    })
  const withLoopback = kernelOf(buildRules([port]))
  t.match(loopback(withLoopback), [{ verdict: '10.244.1.5:8080', isMasqueraded: true }])
  t.equal(traceDestinations(withLoopback, 'outside', '127.0.0.1', 22), 'dropped')
  const without = kernelOf(buildRules([port], { localhostNodePorts: false }))
  t.match(loopback(without), [{ verdict: 'untouched' }])
  t.equal(without.chain('filter', 'KUBE-FIREWALL'), undefined)
  const unserved = servedPort({ nodePort: 30080 }, [])
  t.match(loopback(kernelOf(buildRules([unserved]))), [{ verdict: 'refused' }])
  t.match(loopback(kernelOf(buildRules([unserved], { localhostNodePorts: false }))), [{ verdict: 'untouched' }])
  t.end()
})

void t.test('A node in the source ranges reaches a load-balancer IP that is its own address', t => {
  const port = { loadBalancerIPs: ['203.0.113.8'], sourceRanges: [parseCidr('192.168.50.0/24')!] }
  const kernel = kernelOf(buildRules([servedPort(port, [REMOTE_ENDPOINT])]))
  const from = (source: string) =>
    traceAll(kernel, {
      ...{ hook: 'OUTPUT', protocol: 'tcp', destination: '203.0.113.8', port: 80, source },
      localAddresses: [NODE, '203.0.113.8'],
    }).map(({ verdict }) => verdict)
  t.strictSame(from('203.0.113.8'), ['10.244.1.5:8080'])
  t.strictSame(from('203.0.113.9'), ['dropped'])
  t.end()
})

void t.test('An address that another Service owns is not served twice', t => {
  const [first, second] = [
    servedPort({ name: 'first' }, [LOCAL_ENDPOINT]),
    servedPort({ name: 'second', externalIPs: ['203.0.113.7'] }, [REMOTE_ENDPOINT]),
  ]
  const frontends = [...frontendsOf(first), ...frontendsOf(second).filter(({ kind }) => kind !== 'cluster IP')]
  const kernel = kernelOf(buildRules([first, second], { frontends }))
  t.equal(traceDestinations(kernel, 'pod', '10.96.0.10', 80), '10.244.0.5:8080')
  t.equal(traceDestinations(kernel, 'pod', '203.0.113.7', 80), '10.244.1.5:8080 masqueraded')
  t.end()
})

void t.test('Health checks are accepted, and in large clusters the rules of endpoints have no comments', t => {
  const kernel = kernelOf(buildRules([servedPort({ healthCheckNodePort: 32000 })]))
  t.strictSame(chain(kernel, 'filter', 'KUBE-NODEPORTS'), [
    '-p tcp -m comment --comment "default/web health check node port" -m tcp --dport 32000 -j ACCEPT',
  ])
  const many = Array.from({ length: 1001 }, (_, n) => makeEndpoint(`10.244.${n >> 8}.${n & 255}`))
  const commented = kernelOf(buildRules([servedPort({}, many.slice(1))]))
  const uncommented = kernelOf(buildRules([servedPort({}, many)]))
  const { cluster } = serviceChainNames(makeServicePort())
  t.match(chain(commented, 'nat', cluster)?.at(-1), 'default/web -> 10.244.3.232:8080')
  t.notMatch(chain(uncommented, 'nat', cluster)?.at(-1), 'comment')
  t.end()
})

/** The text that a change is written as by a planner that has the last plan. */
function planChange(ports: readonly ServedPort[], changed: readonly ServedPort[]) {
  const planner = new IptablesPlanner('IPv4', SETTINGS)
  const frontends = ports.flatMap(frontendsOf)
  const before = planner.plan(inputOf(ports, { frontends }))
  const isSame =
    ports.length === changed.length && ports.every((port, n) => port.servicePort === changed[n]?.servicePort)
  const after = planner.plan(inputOf(changed, { frontends: isSame ? frontends : changed.flatMap(frontendsOf) }))
  const [desired, previous] = ruleDiff(after, before)
  const { text } = restoreInput(desired, observedAfter(previous))
  t.equal(
    text,
    restoreInput(after, observedAfter(before)).text,
    'comparing by reference and by arguments gives the same text',
  )
  const kernel = kernelOf(before)
  kernel.restore(text)
  t.equal(restoreInput(after, observedAfter(after)).text, '')
  return {
    before,
    after,
    text,
    chains: text
      .split('\n')
      .filter(line => line.startsWith(':'))
      .map(line => line.split(' ')[0]!.slice(1)),
  }
}

void t.test('A change of one endpoint among thousands of Services writes only its chains', t => {
  const ports = Array.from({ length: 2000 }, (_, n) =>
    servedPort({ name: `web-${n}`, clusterIP: `10.96.${n >> 8}.${n & 255}` }, [
      makeEndpoint(`10.244.${n >> 8}.${n & 255}`),
      LOCAL_ENDPOINT,
    ]),
  )
  const port = ports[1234]!
  const replaced = makeEndpoint('10.250.0.1')
  const other = {
    ...port,
    endpoints: [LOCAL_ENDPOINT, replaced],
    usable: { cluster: [LOCAL_ENDPOINT, replaced], local: [LOCAL_ENDPOINT], hasAny: true },
  }
  const { servicePort } = port
  const { before, after, chains } = planChange(ports, ports.with(1234, other))
  t.strictSame(
    chains.sort(),
    [
      ...[port.endpoints[0]!, replaced].map(endpoint => endpointChainName(servicePort, endpoint)),
      serviceChainNames(servicePort).cluster,
    ].sort(),
  )
  const [nat, natBefore] = [after, before].map(rules => rules.tables.get('nat')!)
  t.equal(nat!.chains.get('KUBE-SERVICES'), natBefore!.chains.get('KUBE-SERVICES'))
  t.equal(nat!.groups?.[77], natBefore!.groups?.[77])
  const unchanged = endpointChainName(servicePort, LOCAL_ENDPOINT)
  t.equal(nat!.groups?.[1234]?.chains.get(unchanged), natBefore!.groups?.[1234]?.chains.get(unchanged))
  t.end()
})

void t.test(
  'Services that are added or removed are written with the list of addresses, and no chain of other Services',
  t => {
    const ports = Array.from({ length: 40 }, (_, n) =>
      servedPort({ name: `web-${n}`, clusterIP: `10.96.0.${n}` }, [LOCAL_ENDPOINT]),
    )
    const names = (port: ServedPort) => [
      serviceChainNames(port.servicePort).cluster,
      ...port.endpoints.map(endpoint => endpointChainName(port.servicePort, endpoint)),
    ]
    const added = servedPort({ name: 'new', clusterIP: '10.96.1.1' }, [REMOTE_ENDPOINT])
    t.strictSame(planChange(ports, [...ports, added]).chains.sort(), ['KUBE-SERVICES', ...names(added)].sort())
    t.strictSame(planChange(ports, ports.slice(1)).chains.sort(), ['KUBE-SERVICES', ...names(ports[0]!)].sort())
    const unserved = { ...ports[7]!, endpoints: [], usable: { cluster: [], local: [], hasAny: false } }
    const { text, chains } = planChange(ports, ports.with(7, unserved))
    t.strictSame(chains.sort(), ['KUBE-SERVICES', 'KUBE-SERVICES', ...names(ports[7]!)].sort(), 'in both tables')
    t.match(text, 'default/web-7 has no endpoints')
    t.end()
  },
)
