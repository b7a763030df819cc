import t from 'tap'
import { frontendsOf } from '../../../lib/frontends/frontend.js'
import { InvalidSegmentFilter } from '../../../lib/modes/userspace/invalid-segment-filter.js'
import { type ProxyPort } from '../../../lib/modes/userspace/proxy-port-filter.js'
import { type Rule } from '../../../lib/netfilter/rule-set.js'
import { makeServicePort } from '../../support/model/make-service-port.js'

const NODE = '192.168.50.1'
const TARGET = { address: NODE, port: 40_000 }

function proxyPort(port: number, more: Partial<ProxyPort> = {}): ProxyPort {
  return { protocol: 'TCP', address: NODE, port, sourceRanges: undefined, ...more }
}

/** What a rule drops, in a few words. */
function describe({ source, sourcePort, sourcePorts, destination, destinationPort, destinationPorts, ...rule }: Rule) {
  const from = [source, sourcePort, sourcePorts].filter(part => part !== undefined).join(' ')
  const to = [destination, destinationPort, destinationPorts].filter(part => part !== undefined).join(' ')
  const where = from === '' ? `to ${to}` : `from ${from}`
  return `${where}${rule.toThisNode === true ? ' here' : ''}${rule.keepsConnection === true ? ', unless it ends' : ''}`
}

function build(filter: InvalidSegmentFilter, proxyPorts: readonly ProxyPort[], protocol: 'TCP' | 'UDP' = 'TCP') {
  const servicePort = makeServicePort({ protocol, externalIPs: ['203.0.113.7'], nodePort: 30_080 })
  const served = { servicePort, endpoints: [], usable: { cluster: [], local: [], hasAny: false } }
  const resolved = frontendsOf(served).map(frontend => ({
    frontend,
    fromNode: TARGET,
    fromPods: TARGET,
    fromExternal: TARGET,
  }))
  return new Map(filter.build(resolved, proxyPorts)).get('KUBE-PROXY-INVALID')!.map(describe)
}

t.test('invalid segments of Services are dropped; where other connections may be, they must be able to end', t => {
  const filter = new InvalidSegmentFilter('IPv4')
  t.strictSame(
    build(filter, [proxyPort(40_000), proxyPort(40_001), proxyPort(40_000), proxyPort(53, { protocol: 'UDP' })]),
    [
      `from ${NODE} 40000,40001`,
      'to 30080 here, unless it ends',
      'to 10.96.0.10 80',
      'to 203.0.113.7 80, unless it ends',
    ],
  )
  t.strictSame(build(filter, [], 'UDP'), [])
  t.end()
})

t.test('a proxy port that is a NodePort sends untranslated segments too, and these may end a connection', t => {
  const ports = [proxyPort(30_080), proxyPort(30_080, { isNodePort: true }), proxyPort(40_000)]
  t.strictSame(build(new InvalidSegmentFilter('IPv4'), ports).slice(0, 2), [
    `from ${NODE} 30080, unless it ends`,
    `from ${NODE} 40000`,
  ])
  t.end()
})

t.test('while the address of the node changes, both addresses have their ports', t => {
  const ports = [proxyPort(40_000), proxyPort(40_001, { address: '192.168.50.2' })]
  t.strictSame(build(new InvalidSegmentFilter('IPv4'), ports).slice(0, 2), [
    'from 192.168.50.1 40000',
    'from 192.168.50.2 40001',
  ])
  t.end()
})
