import t from 'tap'
import { type Endpoint } from '../../lib/model/endpoint.js'
import { parseCidr } from '../../lib/model/cidr.js'
import { type ServicePort } from '../../lib/model/service-port.js'
import { type ServedPort } from '../../lib/model/snapshot.js'
import { IptablesPlan, type PlanInput } from '../../lib/modes/iptables/plan.js'
import { type IptablesSettings } from '../../lib/modes/iptables/rule-context.js'
import { endpointChainName, serviceChainNames } from '../../lib/modes/iptables/service-chain-names.js'
import { portalsOf } from '../../lib/modes/portals.js'
import { type FromPod } from '../../lib/modes/surroundings.js'
import { asFound, restoreText } from '../../lib/rules/restore-text.js'
import { differingParts } from '../../lib/rules/differing-parts.js'
import { type RuleSet } from '../../lib/rules/rule-set.js'
import { endpointOf } from '../support/endpoint-of.js'
import { KernelRules } from '../support/kernel-rules.js'
import { servicePortOf } from '../support/service-port-of.js'
import { type Packet, tracesOf } from '../support/trace-packet.js'

const NODE = '192.168.50.1'
const MARK = 0x4000
const SETTINGS = { masqueradeAll: false, masqueradeMark: MARK, randomFully: true, dropInvalid: true }
const PODS: FromPod = { source: parseCidr('10.244.0.0/16')! }
const HERE = endpointOf('10.244.0.5', { isLocal: true })
const THERE = endpointOf('10.244.1.5')

function served(given: Partial<ServicePort> = {}, endpoints: readonly Endpoint[] = [HERE, THERE]): ServedPort {
  const local = endpoints.filter(({ isLocal }) => isLocal)
  return {
    servicePort: servicePortOf(given),
    endpoints,
    usable: { cluster: endpoints, local, hasAny: endpoints.length > 0 },
  }
}

function inputOf(ports: readonly ServedPort[], given: Partial<PlanInput> = {}): PlanInput {
  return {
    ports,
    portals: ports.flatMap(portalsOf),
    surroundings: { fromPods: [PODS], nodePortAddresses: undefined },
    nodeAddress: NODE,
    localhostNodePorts: true,
    ...given,
  }
}

function planOf(
  ports: readonly ServedPort[],
  given: Partial<PlanInput> = {},
  settings: Partial<IptablesSettings> = {},
) {
  return new IptablesPlan('IPv4', { ...SETTINGS, ...settings }).of(inputOf(ports, given))
}

function kernelOf(rules: RuleSet): KernelRules {
  const kernel = new KernelRules()
  kernel.restore(restoreText(rules, new Map()).text)
  return kernel
}

/** The rules of a table's chain, as `iptables-save` prints them. */
function chain(kernel: KernelRules, table: string, name: string): string[] | undefined {
  return kernel.chain(table, name)?.map(words => words.map(word => (/ /.test(word) ? `"${word}"` : word)).join(' '))
}

const FROM: Readonly<Record<string, Pick<Packet, 'hook' | 'source' | 'inInterface'>>> = {
  pod: { hook: 'PREROUTING', source: '10.244.0.99', inInterface: 'cni0' },
  node: { hook: 'OUTPUT', source: NODE },
  outside: { hook: 'PREROUTING', source: '192.0.2.99', inInterface: 'eth0' },
}

/** Where a packet may go, and ` masqueraded` where an endpoint sees the node. */
function goes(
  kernel: KernelRules,
  from: keyof typeof FROM,
  destination: string,
  port: number,
  protocol = 'tcp',
): string {
  const packet = { ...FROM[from]!, destination, port, protocol: protocol as 'tcp', local: [NODE] }
  const ways = tracesOf(kernel, packet).map(({ verdict, masqueraded }) => verdict + (masqueraded ? ' masqueraded' : ''))
  return [...new Set(ways)].join(', ')
}

void t.test('Chains have the names that kube-proxy gives them', t => {
  const port = (namespace: string, name: string, portName: string, protocol: 'TCP' | 'UDP') =>
    servicePortOf({ namespace, name, portName, protocol })
  for (const [of, hash] of [
    [port('ns1', 'svc1', '', 'TCP'), 'AQI2S6QIMU7PVVRP'],
    [port('ns1', 'svc1', 'p80', 'TCP'), 'XPGD46QRK7WJZT7O'],
    [port('default', 'kubernetes', 'https', 'TCP'), 'NPX46M4PTMTKRN6Y'],
    [port('kube-system', 'kube-dns', 'dns', 'UDP'), 'TCOU7JCQXEZGVUNU'],
  ] as const)
    t.strictSame(serviceChainNames(of), {
      cluster: `KUBE-SVC-${hash}`,
      local: `KUBE-SVL-${hash}`,
      external: `KUBE-EXT-${hash}`,
      firewall: `KUBE-FW-${hash}`,
    })
  const svc1 = port('ns1', 'svc1', '', 'TCP')
  t.equal(endpointChainName(svc1, { ip: '10.0.1.1', port: 80 }), 'KUBE-SEP-3JOIVZTXZZRGORX4')
  t.end()
})

void t.test('A Service of one port becomes the chains that kube-proxy writes', t => {
  const endpoints = ['10.244.0.5', '10.244.0.6', '10.244.1.5'].map(ip => endpointOf(ip, { port: 80 }))
  const port = servicePortOf({ namespace: 'ns1', name: 'svc1', affinitySeconds: 10_800, nodePort: 30080 })
  const kernel = kernelOf(planOf([served(port, endpoints)]))
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

void t.test('Where packets go, and whom an endpoint sees, is as kube-proxy has it', t => {
  const [both, here, there] = ['10.244.0.5:8080, 10.244.1.5:8080', '10.244.0.5:8080', '10.244.1.5:8080']
  const masqueraded = both
    .split(', ')
    .map(end => `${end} masqueraded`)
    .join(', ')
  const outside = { nodePort: 30080, externalIPs: ['203.0.113.7'], loadBalancerIPs: ['203.0.113.8'] }
  const local = { ...outside, externalPolicyLocal: true }
  const ranges = [parseCidr('192.0.2.0/24')!]
  type Row = readonly [
    why: string,
    served: ServedPort,
    to: readonly [ip: string, port: number],
    goes: readonly [pod: string, node: string, outside: string],
    input?: Partial<PlanInput>,
    settings?: Partial<IptablesSettings>,
  ]
  const clusterIP = ['10.96.0.10', 80] as const
  const external = ['203.0.113.7', 80] as const
  const balancer = ['203.0.113.8', 80] as const
  const nodePort = [NODE, 30080] as const
  const fromPods = (...pods: FromPod[]) => ({ surroundings: { fromPods: pods, nodePortAddresses: undefined } })
  const table: readonly Row[] = [
    ['cluster IP', served(), clusterIP, [both, masqueraded, masqueraded]],
    ['… that cannot tell Pods', served(), clusterIP, [both, both, both], fromPods()],
    ['… by interface', served(), clusterIP, [both, masqueraded, masqueraded], fromPods({ inInterface: 'cni0' })],
    [
      '… by one of two',
      served(),
      clusterIP,
      [both, masqueraded, masqueraded],
      fromPods({ source: parseCidr('10.250.0.0/16')! }, PODS),
    ],
    ['… masquerade all', served(), clusterIP, [masqueraded, masqueraded, masqueraded], {}, { masqueradeAll: true }],
    ['… none', served({}, []), clusterIP, ['refused', 'refused', 'refused']],
    [
      '… policy Local',
      served({ internalPolicyLocal: true }),
      clusterIP,
      [here, `${here} masqueraded`, `${here} masqueraded`],
    ],
    ['… elsewhere', served({ internalPolicyLocal: true }, [THERE]), clusterIP, ['dropped', 'dropped', 'dropped']],
    ['external IP', served(outside), external, [masqueraded, masqueraded, masqueraded]],
    ['… policy Local', served(local), external, [both, masqueraded, here]],
    ['… that cannot tell Pods', served(local), external, [here, masqueraded, here], fromPods()],
    ['… elsewhere', served(local, [THERE]), external, [there, `${there} masqueraded`, 'dropped']],
    ['… none', served(local, []), external, ['refused', 'refused', 'refused']],
    ['node port', served(outside), nodePort, [masqueraded, masqueraded, masqueraded]],
    ['… elsewhere', served(local, [THERE]), nodePort, [there, `${there} masqueraded`, 'dropped']],
    ['… none', served(outside, []), nodePort, ['refused', 'refused', 'refused']],
    ['… not on another host', served(outside), ['192.168.50.77', 30080], ['untouched', 'untouched', 'untouched']],
    [
      '… at other addresses',
      served(outside),
      nodePort,
      ['untouched', 'untouched', 'untouched'],
      { surroundings: { fromPods: [PODS], nodePortAddresses: ['10.0.0.9'] } },
    ],
    [
      '… nobody, at other addresses',
      served(outside, []),
      nodePort,
      ['untouched', 'untouched', 'untouched'],
      { surroundings: { fromPods: [PODS], nodePortAddresses: ['10.0.0.9'] } },
    ],
    [
      '… at this address',
      served(outside),
      nodePort,
      [masqueraded, masqueraded, masqueraded],
      { surroundings: { fromPods: [PODS], nodePortAddresses: [NODE] } },
    ],
    ['load-balancer IP', served(outside), balancer, [masqueraded, masqueraded, masqueraded]],
    ['… with ranges', served({ ...outside, sourceRanges: ranges }), balancer, ['dropped', 'dropped', masqueraded]],
    [
      '… with ranges, nobody',
      served({ ...outside, sourceRanges: ranges }, []),
      balancer,
      ['dropped', 'dropped', 'refused'],
    ],
    ['… with no range', served({ ...outside, sourceRanges: [] }), balancer, ['dropped', 'dropped', 'dropped']],
    [
      '… at the node port',
      served({ ...outside, sourceRanges: ranges }),
      nodePort,
      [masqueraded, masqueraded, masqueraded],
    ],
    [
      '… with ranges there too',
      served({ ...outside, sourceRanges: ranges, rangesAtNodePort: true }),
      nodePort,
      ['dropped', 'dropped', masqueraded],
    ],
  ]
  for (const [why, port, [ip, number], [pod, node, outside], input, settings] of table) {
    const kernel = kernelOf(planOf([port], input, settings))
    for (const [from, expected] of Object.entries({ pod, node, outside }))
      t.equal(goes(kernel, from, ip, number), expected, `${why}: ${ip}:${number} from ${from}`)
  }
  t.end()
})

void t.test('What an endpoint sends to itself is masqueraded', t => {
  const kernel = kernelOf(planOf([served({}, [endpointOf('10.244.0.99')])]))
  t.equal(goes(kernel, 'pod', '10.96.0.10', 80), '10.244.0.99:8080 masqueraded')
  t.end()
})

void t.test('SCTP is served as TCP and UDP are', t => {
  const kernel = kernelOf(planOf([served({ protocol: 'SCTP' }, [THERE])]))
  t.equal(goes(kernel, 'pod', '10.96.0.10', 80, 'sctp'), '10.244.1.5:8080')
  t.equal(goes(kernel, 'pod', '10.96.0.10', 80, 'tcp'), 'untouched')
  t.end()
})

void t.test('Loopback has node ports where that is wanted, and nobody else reaches it', t => {
  const port = served({ nodePort: 30080 }, [THERE])
  const loopback = (kernel: KernelRules) =>
    tracesOf(kernel, {
      ...{ hook: 'OUTPUT', protocol: 'tcp', destination: '127.0.0.1', port: 30080, source: '127.0.0.1' },
      local: [NODE],
    })
  const served1 = kernelOf(planOf([port]))
  t.match(loopback(served1), [{ verdict: '10.244.1.5:8080', masqueraded: true }])
  t.equal(goes(served1, 'outside', '127.0.0.1', 22), 'dropped')
  const not = kernelOf(planOf([port], { localhostNodePorts: false }))
  t.match(loopback(not), [{ verdict: 'untouched' }])
  t.equal(not.chain('filter', 'KUBE-FIREWALL'), undefined)
  const nobody = served({ nodePort: 30080 }, [])
  t.match(loopback(kernelOf(planOf([nobody]))), [{ verdict: 'refused' }])
  t.match(loopback(kernelOf(planOf([nobody], { localhostNodePorts: false }))), [{ verdict: 'untouched' }])
  t.end()
})

void t.test('A node in the source ranges reaches a load-balancer IP of its own', t => {
  const port = { loadBalancerIPs: ['203.0.113.8'], sourceRanges: [parseCidr('192.168.50.0/24')!] }
  const kernel = kernelOf(planOf([served(port, [THERE])]))
  const from = (source: string) =>
    tracesOf(kernel, {
      ...{ hook: 'OUTPUT', protocol: 'tcp', destination: '203.0.113.8', port: 80, source },
      local: [NODE, '203.0.113.8'],
    }).map(({ verdict }) => verdict)
  t.strictSame(from('203.0.113.8'), ['10.244.1.5:8080'])
  t.strictSame(from('203.0.113.9'), ['dropped'])
  t.end()
})

void t.test('An address that another Service has is left to it', t => {
  const [first, second] = [
    served({ name: 'first' }, [HERE]),
    served({ name: 'second', externalIPs: ['203.0.113.7'] }, [THERE]),
  ]
  const portals = [...portalsOf(first), ...portalsOf(second).filter(({ kind }) => kind !== 'cluster IP')]
  const kernel = kernelOf(planOf([first, second], { portals }))
  t.equal(goes(kernel, 'pod', '10.96.0.10', 80), '10.244.0.5:8080')
  t.equal(goes(kernel, 'pod', '203.0.113.7', 80), '10.244.1.5:8080 masqueraded')
  t.end()
})

void t.test('Load balancers may ask for health, and of many endpoints rules say nothing', t => {
  const kernel = kernelOf(planOf([served({ healthCheckNodePort: 32000 })]))
  t.strictSame(chain(kernel, 'filter', 'KUBE-NODEPORTS'), [
    '-p tcp -m comment --comment "default/web health check node port" -m tcp --dport 32000 -j ACCEPT',
  ])
  const many = Array.from({ length: 1001 }, (_, n) => endpointOf(`10.244.${n >> 8}.${n & 255}`))
  const said = kernelOf(planOf([served({}, many.slice(1))]))
  const silent = kernelOf(planOf([served({}, many)]))
  const { cluster } = serviceChainNames(servicePortOf())
  t.match(chain(said, 'nat', cluster)?.at(-1), 'default/web -> 10.244.3.232:8080')
  t.notMatch(chain(silent, 'nat', cluster)?.at(-1), 'comment')
  t.end()
})

/** What a change is written as, where the plan remembers what it was. */
function change(ports: readonly ServedPort[], changed: readonly ServedPort[]) {
  const plan = new IptablesPlan('IPv4', SETTINGS)
  const portals = ports.flatMap(portalsOf)
  const before = plan.of(inputOf(ports, { portals }))
  const same = ports.length === changed.length && ports.every((port, n) => port.servicePort === changed[n]?.servicePort)
  const after = plan.of(inputOf(changed, { portals: same ? portals : changed.flatMap(portalsOf) }))
  const [wanted, found] = differingParts(after, before)
  const { text } = restoreText(wanted, asFound(found))
  t.equal(text, restoreText(after, asFound(before)).text, 'compared by reference and by words: the same')
  const kernel = kernelOf(before)
  kernel.restore(text)
  t.equal(restoreText(after, asFound(after)).text, '')
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

void t.test('A change of one endpoint among thousands of Services costs its own chains', t => {
  const ports = Array.from({ length: 2000 }, (_, n) =>
    served({ name: `web-${n}`, clusterIP: `10.96.${n >> 8}.${n & 255}` }, [
      endpointOf(`10.244.${n >> 8}.${n & 255}`),
      HERE,
    ]),
  )
  const port = ports[1234]!
  const replaced = endpointOf('10.250.0.1')
  const other = {
    ...port,
    endpoints: [HERE, replaced],
    usable: { cluster: [HERE, replaced], local: [HERE], hasAny: true },
  }
  const { servicePort } = port
  const { before, after, chains } = change(ports, ports.with(1234, other))
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
  const kept = endpointChainName(servicePort, HERE)
  t.equal(nat!.groups?.[1234]?.chains.get(kept), natBefore!.groups?.[1234]?.chains.get(kept))
  t.end()
})

void t.test('Services that come and go are written with the list of addresses, and nothing of the others', t => {
  const ports = Array.from({ length: 40 }, (_, n) => served({ name: `web-${n}`, clusterIP: `10.96.0.${n}` }, [HERE]))
  const names = (port: ServedPort) => [
    serviceChainNames(port.servicePort).cluster,
    ...port.endpoints.map(endpoint => endpointChainName(port.servicePort, endpoint)),
  ]
  const added = served({ name: 'new', clusterIP: '10.96.1.1' }, [THERE])
  t.strictSame(change(ports, [...ports, added]).chains.sort(), ['KUBE-SERVICES', ...names(added)].sort())
  t.strictSame(change(ports, ports.slice(1)).chains.sort(), ['KUBE-SERVICES', ...names(ports[0]!)].sort())
  const nobody = { ...ports[7]!, endpoints: [], usable: { cluster: [], local: [], hasAny: false } }
  const { text, chains } = change(ports, ports.with(7, nobody))
  t.strictSame(chains.sort(), ['KUBE-SERVICES', 'KUBE-SERVICES', ...names(ports[7]!)].sort(), 'in both tables')
  t.match(text, 'default/web-7 has no endpoints')
  t.end()
})
