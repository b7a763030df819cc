import t from 'tap'
import { LocalAddresses } from '../../../lib/model/local-addresses.js'
import { parseCidr } from '../../../lib/model/cidr.js'
import { type ServicePort } from '../../../lib/model/service-port.js'
import { type ServedPort } from '../../../lib/model/snapshot.js'
import { type Endpoint } from '../../../lib/model/endpoint.js'
import { type IpvsPlan, IpvsPlanner, type PlanContext, type DesiredServices } from '../../../lib/modes/ipvs/plan.js'
import { SET_NAMES, kernelSetName } from '../../../lib/modes/ipvs/set-names.js'
import { FrontendTable } from '../../../lib/frontends/frontend-table.js'
import { iptablesArgs } from '../../../lib/netfilter/iptables-args.js'
import { makeEndpoint } from '../../support/model/make-endpoint.js'
import { makeServicePort } from '../../support/model/make-service-port.js'

const SETTINGS = { scheduler: 'rr', masqueradeAll: false, masqueradeMark: 0x4000, randomFully: true }
const CONTEXT: PlanContext = {
  localTraffic: { localMatches: [{ source: parseCidr('10.244.0.0/16')! }], nodePortAddresses: undefined },
  nodeAddresses: ['192.168.50.1', '10.244.0.1'],
  foreignServers: new Set(),
}
const LOCAL_ADDRESSES = new LocalAddresses(CONTEXT.nodeAddresses)
const FRONTEND_TABLE = new FrontendTable(() => LOCAL_ADDRESSES)
const LOCAL_ENDPOINT = makeEndpoint('10.244.0.2', { isLocal: true })
const REMOTE_ENDPOINT = makeEndpoint('10.245.1.2')

function servedPort(
  given: Partial<Omit<ServicePort, 'key'>>,
  endpoints: readonly Endpoint[] = [LOCAL_ENDPOINT, REMOTE_ENDPOINT],
): ServedPort {
  const local = endpoints.filter(({ isLocal }) => isLocal)
  return {
    servicePort: makeServicePort(given),
    endpoints,
    usable: { cluster: endpoints, local, hasAny: endpoints.length > 0 },
  }
}

function desiredOf(...ports: readonly ServedPort[]): DesiredServices {
  return FRONTEND_TABLE.resolve({ generation: 1, ports: new Map(ports.map(port => [port.servicePort.key, port])) })
}

function planOf(...ports: readonly ServedPort[]): IpvsPlan {
  return new IpvsPlanner('IPv4', SETTINGS).plan(desiredOf(...ports), CONTEXT)
}

/** Each virtual server with its real servers: `TCP 10.96.0.10:80 -> 10.244.0.2:8080 10.245.1.2:8080`. */
function serversOf({ servers }: IpvsPlan): string[] {
  return [...servers].map(([key, { realServers }]) =>
    [`${key} ->`, ...realServers.map(({ address, port }) => `${address}:${port}`)].join(' '),
  )
}

/** The sets that are not empty. */
function setsOf({ sets }: IpvsPlan): Record<string, string[]> {
  return Object.fromEntries(
    [...sets].filter(([, { entries }]) => entries.size > 0).map(([name, { entries }]) => [name, [...entries]]),
  )
}

void t.test('A cluster IP is a virtual server, at an address that is added to the node', t => {
  const plan = planOf(servedPort({}))
  t.strictSame(serversOf(plan), ['TCP 10.96.0.10:80 -> 10.244.0.2:8080 10.245.1.2:8080'])
  t.strictSame([...plan.addresses], ['10.96.0.10'])
  t.strictSame(setsOf(plan), {
    'KUBE-ENDPOINTS': ['10.244.0.2,tcp:8080', '10.245.1.2,tcp:8080'],
    'KUBE-LOOP-BACK': ['10.244.0.2,tcp:8080,10.244.0.2'],
    'KUBE-CLUSTER-IP': ['10.96.0.10,tcp:80'],
    'KUBE-IPVS-SERVERS': ['10.96.0.10,tcp:80'],
    'KUBE-IPVS-IPS': ['10.96.0.10'],
  })
  t.equal(plan.sets.size, SET_NAMES.length, 'empty sets are in the plan too: rules match them')
  t.end()
})

void t.test("A node port is a virtual server at each of the node's addresses", t => {
  const port = servedPort({ nodePort: 30080, protocol: 'UDP' }, [REMOTE_ENDPOINT])
  const plan = planOf(port)
  t.strictSame(serversOf(plan).slice(1), [
    'UDP 192.168.50.1:30080 -> 10.245.1.2:8080',
    'UDP 10.244.0.1:30080 -> 10.245.1.2:8080',
  ])
  t.strictSame([...plan.addresses], ['10.96.0.10'])
  t.strictSame(setsOf(plan)['KUBE-NODE-PORT-UDP'], ['30080'])
  const someAddresses = {
    ...CONTEXT,
    localTraffic: { ...CONTEXT.localTraffic, nodePortAddresses: ['192.168.50.1', '192.0.2.7'] },
  }
  const limited = new IpvsPlanner('IPv4', SETTINGS).plan(desiredOf(port), someAddresses)
  t.strictSame(
    serversOf(limited).slice(1),
    ['UDP 192.168.50.1:30080 -> 10.245.1.2:8080'],
    'only at addresses that serve node ports',
  )
  t.end()
})

void t.test('SCTP is served, and its node ports are set entries with an address', t => {
  const plan = planOf(servedPort({ protocol: 'SCTP', nodePort: 30080, externalPolicyLocal: true }))
  t.ok(plan.servers.has('SCTP 10.96.0.10:80'))
  const nodePorts = ['192.168.50.1,sctp:30080', '10.244.0.1,sctp:30080']
  t.strictSame(setsOf(plan)['KUBE-NODE-PORT-SCTP-HASH'], nodePorts)
  t.strictSame(setsOf(plan)['KUBE-NODE-PORT-LOCAL-SCTP-HASH'], nodePorts)
  t.end()
})

void t.test('A traffic policy restricts the endpoints of its own addresses only', t => {
  const addresses = { externalIPs: ['203.0.113.5'], loadBalancerIPs: ['203.0.113.6'], nodePort: 30080 }
  const [all, local] = ['-> 10.244.0.2:8080 10.245.1.2:8080', '-> 10.244.0.2:8080']
  const endpointsOf = (plan: IpvsPlan): string[] => serversOf(plan).map(line => line.slice(line.indexOf('->')))
  t.strictSame(endpointsOf(planOf(servedPort({ ...addresses }))), [all, all, all, all, all])
  t.strictSame(endpointsOf(planOf(servedPort({ ...addresses, externalPolicyLocal: true }))), [
    all,
    local,
    local,
    local,
    local,
  ])
  t.strictSame(endpointsOf(planOf(servedPort({ ...addresses, internalPolicyLocal: true }))), [
    local,
    all,
    all,
    all,
    all,
  ])
  const plan = planOf(servedPort({ ...addresses, externalPolicyLocal: true }))
  t.strictSame(setsOf(plan)['KUBE-LOAD-BALANCER-LOCAL'], ['203.0.113.6,tcp:80'])
  t.strictSame(setsOf(plan)['KUBE-NODE-PORT-LOCAL-TCP'], ['30080'])
  t.equal(setsOf(plan)['KUBE-EXTERNAL-IP'], undefined, 'packets to external IPs are not masqueraded')
  t.equal(setsOf(plan)['KUBE-ELSEWHERE-EXTERNAL'], undefined)
  t.end()
})

void t.test(
  'With policy Local and endpoints on other nodes only, Pods reach those, and external clients are dropped',
  t => {
    const port = servedPort({ externalIPs: ['203.0.113.5'], externalPolicyLocal: true, internalPolicyLocal: true }, [
      REMOTE_ENDPOINT,
    ])
    const plan = planOf(port)
    t.strictSame(serversOf(plan), ['TCP 10.96.0.10:80 ->', 'TCP 203.0.113.5:80 -> 10.245.1.2:8080'])
    t.strictSame(setsOf(plan)['KUBE-ELSEWHERE'], ['10.96.0.10,tcp:80'])
    t.strictSame(setsOf(plan)['KUBE-ELSEWHERE-EXTERNAL'], ['203.0.113.5,tcp:80'])
    t.notOk(
      'KUBE-ELSEWHERE' in setsOf(planOf(servedPort({ internalPolicyLocal: true }, []))),
      'without endpoints, IPVS refuses',
    )
    t.end()
  },
)

void t.test('Source ranges are entries of sets', t => {
  const of = (...ranges: readonly string[]): Record<string, string[]> =>
    setsOf(
      planOf(servedPort({ loadBalancerIPs: ['203.0.113.6'], sourceRanges: ranges.map(range => parseCidr(range)!) })),
    )
  t.strictSame(of('198.51.100.0/24', '192.0.2.9/32')['KUBE-LOAD-BALANCER-SOURCE-CIDR'], [
    '203.0.113.6,tcp:80,198.51.100.0/24',
    '203.0.113.6,tcp:80,192.0.2.9',
  ])
  t.equal(of('198.51.100.0/24')['KUBE-LOAD-BALANCER-SOURCE-IP'], undefined)
  t.strictSame(
    of('192.168.50.0/24')['KUBE-LOAD-BALANCER-SOURCE-IP'],
    ['203.0.113.6,tcp:80,203.0.113.6'],
    'the node is in the range, and sends from the load-balancer IP',
  )
  t.strictSame(
    of('0.0.0.0/0')['KUBE-LOAD-BALANCER-SOURCE-CIDR'],
    ['203.0.113.6,tcp:80,0.0.0.0/1', '203.0.113.6,tcp:80,128.0.0.0/1'],
    'a set cannot hold a range of everything',
  )
  t.strictSame(of()['KUBE-LOAD-BALANCER-FW'], ['203.0.113.6,tcp:80'], 'no source is let in')
  const atNodePort = { nodePort: 30080, sourceRanges: [parseCidr('198.51.100.0/24')!] }
  t.equal(setsOf(planOf(servedPort(atNodePort)))['KUBE-LOAD-BALANCER-FW'], undefined)
  t.strictSame(setsOf(planOf(servedPort({ ...atNodePort, rangesAtNodePort: true })))['KUBE-LOAD-BALANCER-FW'], [
    '192.168.50.1,tcp:30080',
    '10.244.0.1,tcp:30080',
  ])
  t.end()
})

void t.test('Affinity, scheduler and annotation decide how clients are balanced', t => {
  const of = (given: Partial<ServicePort>, scheduler = 'rr') => {
    const plan = new IpvsPlanner('IPv4', { ...SETTINGS, scheduler }).plan(desiredOf(servedPort(given)), CONTEXT)
    const { scheduler: actual, flags, persistenceSeconds } = plan.servers.get('TCP 10.96.0.10:80')!
    return [actual, flags, persistenceSeconds]
  }
  t.strictSame(of({}), ['rr', '', 0])
  t.strictSame(of({ affinitySeconds: 10_800 }), ['rr', '', 10_800])
  t.strictSame(of({ balancer: 'least-connections' }), ['lc', '', 0])
  t.strictSame(of({}, 'mh'), ['mh', 'mh-port', 0])
  t.end()
})

void t.test('An address that the node already has is not added', t => {
  const plan = planOf(servedPort({ externalIPs: ['192.168.50.1'] }))
  t.strictSame([...plan.addresses], ['10.96.0.10'])
  t.ok(plan.servers.has('TCP 192.168.50.1:80'))
  t.end()
})

void t.test('An address is left out if another program has a virtual server there', t => {
  const planner = new IpvsPlanner('IPv4', SETTINGS)
  const snapshot = desiredOf(servedPort({ nodePort: 30080 }))
  planner.plan(snapshot, CONTEXT)
  const plan = planner.plan(snapshot, { ...CONTEXT, foreignServers: new Set(['TCP 192.168.50.1:30080']) })
  t.strictSame([...plan.servers.keys()], ['TCP 10.96.0.10:80', 'TCP 10.244.0.1:30080'])
  t.strictSame(setsOf(plan)['KUBE-IPVS-SERVERS'], ['10.96.0.10,tcp:80', '10.244.0.1,tcp:30080'])
  t.equal(planner.plan(snapshot, CONTEXT).servers.size, 3, 'until that server is gone')
  t.end()
})

void t.test('An address that two Services use belongs to the older one', t => {
  const older = servedPort({ externalIPs: ['203.0.113.5'], createdAt: 1 })
  const newer = servedPort({ name: 'other', clusterIP: '10.96.0.11', externalIPs: ['203.0.113.5'], createdAt: 2 }, [
    REMOTE_ENDPOINT,
  ])
  const plan = planOf(newer, older)
  t.equal(plan.servers.size, 3)
  t.equal(plan.servers.get('TCP 203.0.113.5:80')!.realServers.length, 2)
  t.end()
})

void t.test('An external IP wins over a node port at the same address, whichever Service is older', t => {
  const nodePort = servedPort({ nodePort: 30080, createdAt: 1 })
  const own = { name: 'own', clusterIP: '10.96.0.12', externalIPs: ['192.168.50.1'], port: 30080, createdAt: 2 }
  const { servers } = planOf(nodePort, servedPort(own, [REMOTE_ENDPOINT]))
  t.equal(servers.get('TCP 192.168.50.1:30080')!.realServers.length, 1)
  t.equal(servers.get('TCP 10.244.0.1:30080')!.realServers.length, 2)
  t.equal(servers.size, 4)
  t.end()
})

void t.test('Parts of the plan that did not change are the same objects', t => {
  const planner = new IpvsPlanner('IPv4', SETTINGS)
  const [web, other] = [servedPort({}), servedPort({ name: 'other', clusterIP: '10.96.0.11' })]
  const first = planner.plan(desiredOf(web, other), CONTEXT)
  t.equal(planner.plan(desiredOf(web, other), { ...CONTEXT }), first, 'the whole plan')
  const fewer = planner.plan(desiredOf(servedPort({}, [REMOTE_ENDPOINT]), other), CONTEXT)
  t.not(fewer.servers.get('TCP 10.96.0.10:80'), first.servers.get('TCP 10.96.0.10:80'))
  t.equal(fewer.servers.get('TCP 10.96.0.11:80'), first.servers.get('TCP 10.96.0.11:80'))
  t.equal(fewer.sets.get('KUBE-CLUSTER-IP'), first.sets.get('KUBE-CLUSTER-IP'))
  t.equal(fewer.addresses, first.addresses)
  t.equal(fewer.rules, first.rules)
  const moved = planner.plan(desiredOf(servedPort({}, [REMOTE_ENDPOINT]), other), {
    ...CONTEXT,
    localTraffic: { ...CONTEXT.localTraffic, localMatches: [] },
  })
  t.not(moved.rules, first.rules, 'rules depend on how Pods are recognised')
  t.end()
})

void t.test('Rules do not depend on Services', t => {
  t.strictSame(planOf(servedPort({ nodePort: 30080, externalIPs: ['203.0.113.5'] })).rules, planOf().rules)
  t.end()
})

void t.test('Packets to cluster IPs are masqueraded if they do not come from Pods', t => {
  const servicesOf = (localMatches: PlanContext['localTraffic']['localMatches'], masqueradeAll = false): string[] => {
    const planner = new IpvsPlanner('IPv4', { ...SETTINGS, masqueradeAll })
    const context = { ...CONTEXT, localTraffic: { ...CONTEXT.localTraffic, localMatches } }
    const { chains } = planner.plan(desiredOf(), context).rules.tables.get('nat')!
    return chains
      .get('KUBE-SERVICES')!
      .map(rule => iptablesArgs(rule, 'IPv4').join(' '))
      .filter(args => args.includes('KUBE-CLUSTER-IP '))
  }
  const pods = [{ source: parseCidr('10.244.0.0/16')! }]
  t.strictSame(servicesOf([]), [], 'none if Pods cannot be recognised')
  t.strictSame(servicesOf(pods, true), [
    '-m comment --comment all traffic to cluster IPs -m set --match-set KUBE-CLUSTER-IP dst,dst -j KUBE-MARK-MASQ',
  ])
  t.strictSame(servicesOf(pods), [
    '-m comment --comment traffic to cluster IPs -m set --match-set KUBE-CLUSTER-IP dst,dst -j KUBE-CLUSTER-IP-MASQ',
  ])
  const chain = planOf().rules.tables.get('nat')!.chains.get('KUBE-CLUSTER-IP-MASQ')!
  t.strictSame(
    chain.map(rule => iptablesArgs(rule, 'IPv4').join(' ')),
    [
      '-s 10.244.0.0/16 -m comment --comment from a Pod -j RETURN',
      '-m comment --comment not from a Pod -j KUBE-MARK-MASQ',
    ],
  )
  t.end()
})

void t.test('Sets have different names in each family, of at most 31 characters', t => {
  t.equal(kernelSetName('KUBE-CLUSTER-IP', 'IPv6'), 'KUBE-6-CLUSTER-IP')
  t.equal(kernelSetName('KUBE-NODE-PORT-LOCAL-SCTP-HASH', 'IPv6'), 'KUBE-6-NODE-PORT-LOCAL-SCTP-HAS')
  const names = SET_NAMES.flatMap(name => [kernelSetName(name, 'IPv4'), kernelSetName(name, 'IPv6')])
  t.ok(names.every(name => name.length <= 31))
  t.equal(new Set(names).size, names.length)
  t.end()
})

void t.test('The plan of one family leaves out service ports of the other', t => {
  const six = servedPort({ family: 'IPv6', clusterIP: 'fd00:96::10' }, [makeEndpoint('fd00:244::2', { isLocal: true })])
  const context = {
    localTraffic: { localMatches: [], nodePortAddresses: undefined },
    nodeAddresses: ['fd00:50::1'],
    foreignServers: new Set<string>(),
  }
  const plan = new IpvsPlanner('IPv6', SETTINGS).plan(desiredOf(servedPort({}), six), context)
  t.strictSame(serversOf(plan), ['TCP [fd00:96::10]:80 -> fd00:244::2:8080'])
  t.strictSame(setsOf(plan)['KUBE-6-LOOP-BACK'], ['fd00:244::2,tcp:8080,fd00:244::2'])
  t.end()
})
