import t from 'tap'
import { type ServicePort } from '../../../lib/model/service-port.js'
import { type ServedPort } from '../../../lib/model/snapshot.js'
import { FrontendRules } from '../../../lib/modes/userspace/frontend-rules.js'
import { frontendsOf } from '../../../lib/frontends/frontend.js'
import { makeEndpoint } from '../../support/model/make-endpoint.js'
import { makeServicePort } from '../../support/model/make-service-port.js'
import { tracePacket } from '../../support/kernel/trace-packet.js'
import { walkRules } from '../../netfilter/tree/walk-rules.js'
import { programClusterIPs } from './program-cluster-ips.js'

const NODE = '192.168.50.1'

const endpoint = makeEndpoint('10.244.0.5', { isLocal: true })
const LOCAL_ENDPOINTS = { cluster: [endpoint], local: [endpoint], hasAny: true }
const REMOTE_ENDPOINTS = { cluster: [endpoint], local: [], hasAny: true }
const DROPPED = { fromNode: 'drop', fromPods: 'drop', fromExternal: 'drop' } as const

function servedPort(servicePort: ServicePort, usable: ServedPort['usable'] = LOCAL_ENDPOINTS): ServedPort {
  return { servicePort, endpoints: [], usable }
}

t.test('packets to a cluster IP and port go to the listener, from outside and from the node itself', t => {
  const web = makeServicePort()
  const dns = makeServicePort({ protocol: 'UDP', portName: 'dns', port: 53 })
  const withoutAddress = makeServicePort({ name: 'here', clusterIP: '10.96.0.11' })
  const kernel = programClusterIPs([
    { servicePort: web, address: NODE, proxyPort: 40_000 },
    { servicePort: dns, address: NODE, proxyPort: 40_001 },
    { servicePort: withoutAddress, address: '0.0.0.0', proxyPort: 40_002 },
  ])
  const table: readonly (readonly [destination: string, port: number, protocol: 'tcp' | 'udp', verdict: string])[] = [
    ['10.96.0.10', 80, 'tcp', '192.168.50.1:40000'],
    ['10.96.0.10', 53, 'udp', '192.168.50.1:40001'],
    ['10.96.0.11', 80, 'tcp', 'port 40002 here'],
    ['10.96.0.10', 80, 'udp', 'untouched'],
    ['10.96.0.10', 53, 'tcp', 'untouched'],
    ['10.96.0.10', 81, 'tcp', 'untouched'],
    ['10.96.0.12', 80, 'tcp', 'untouched'],
  ]
  for (const [destination, port, protocol, verdict] of table) {
    for (const hook of ['PREROUTING', 'OUTPUT'] as const) {
      const name = `${destination}:${port}/${protocol} in ${hook}`
      t.equal(tracePacket(kernel, { hook, destination, port, protocol }), verdict, name)
    }
  }
  t.end()
})

t.test('a change of one Service leaves the chains of all others the same objects', t => {
  const resolve = (n: number, proxyPort: number) => {
    // Two of them share an address, as ports of one Service do.
    const clusterIP = `10.96.${n >> 9}.${(n >> 1) & 255}`
    const given = { name: `web-${n}`, clusterIP, port: 80 + (n & 1), nodePort: 30_000 + n }
    const target = { address: NODE, port: proxyPort }
    return frontendsOf(servedPort(makeServicePort(given))).map(frontend => ({
      frontend,
      fromNode: target,
      fromPods: target,
      fromExternal: target,
    }))
  }
  const proxyPortAt = (port: number) => ({ protocol: 'TCP', address: NODE, port, sourceRanges: undefined }) as const
  const all = Array.from({ length: 2700 }, (_, n) => ({
    frontends: resolve(n, 35_000 + n),
    proxyPort: proxyPortAt(35_000 + n),
  }))
  const rules = new FrontendRules('IPv4')
  const chainsOf = (of: FrontendRules, services: typeof all) => {
    const { tables } = of.build({
      frontends: services.flatMap(({ frontends }) => frontends),
      localTraffic: { localMatches: [], nodePortAddresses: undefined },
      proxyPorts: services.map(({ proxyPort }) => proxyPort),
    })
    return new Map([...tables.values()].flatMap(({ chains }) => [...chains]))
  }
  const before = chainsOf(rules, all)
  const one = [...all]
  one[1234] = { frontends: resolve(1234, 50_000), proxyPort: proxyPortAt(50_000) }
  const after = chainsOf(rules, one)
  const others = [...after].filter(([name, chain]) => before.get(name) !== chain).map(([name]) => name)
  const byName = others.filter(name => !/^KUBE-(PORTALS|NODEPORT|PROXY)-/.test(name)).sort()
  t.ok(byName.length <= 13, `${byName.join(' ')} of ${after.size}`)
  t.ok(byName.includes('KUBE-ADDR-10.96.2.96/28'))
  t.strictSame(after, chainsOf(new FrontendRules('IPv4'), [...one].reverse()), 'the same rules as from an empty cache')
  t.end()
})

t.test('a packet meets few drop rules, however many Services have endpoints on other nodes only', t => {
  const resolved = Array.from({ length: 3000 }, (_, n) => {
    const [high, low] = [n >> 8, n & 255]
    const given = { name: `web-${n}`, clusterIP: `10.96.${high}.${low}`, externalIPs: [`203.0.${high}.${low}`] }
    const local = makeServicePort({ ...given, nodePort: 30_000 + (n % 2700), externalPolicyLocal: true })
    return frontendsOf(servedPort(local, REMOTE_ENDPOINTS)).map(frontend => ({ frontend, ...DROPPED }))
  }).flat()
  const localTraffic = { localMatches: [], nodePortAddresses: undefined }
  const { chains, links } = new FrontendRules('IPv4')
    .build({ frontends: resolved, localTraffic, proxyPorts: [] })
    .tables.get('filter')!
  const tree = { root: chains.get('KUBE-PORTALS-DROP')!, chains }
  for (const [name, address, port, isDropped] of [
    ['an external IP', '203.0.5.77', 80, true],
    ['another port there', '203.0.5.77', 81, false],
    ['a node port', NODE, 31_234, true],
    ['another port of the node', NODE, 22, false],
  ] as const) {
    const { matched, compared } = walkRules(tree, { address, protocol: 'TCP', port })
    t.equal(matched?.target.kind === 'DROP', isDropped, name)
    t.ok(compared <= 130, `${name}: ${compared} rules`)
  }
  const dropLinks = links.filter(({ rule }) => rule.target.kind === 'jump' && rule.target.chain === 'KUBE-PORTALS-DROP')
  t.strictSame(
    dropLinks.map(({ chain, rule }) => [chain, rule.connection]),
    [
      ['INPUT', 'NEW'],
      ['FORWARD', 'NEW'],
      ['OUTPUT', 'NEW'],
    ],
    'packets of an established connection skip them',
  )
  t.end()
})
