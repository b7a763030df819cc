import t from 'tap'
import { type Endpoint } from '../../lib/model/endpoint.js'
import { LocalAddresses } from '../../lib/model/local-addresses.js'
import { type ServicePort } from '../../lib/model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../../lib/model/snapshot.js'
import { LoopFilter } from '../../lib/frontends/loop-filter.js'
import { frontendsOf } from '../../lib/frontends/frontend.js'
import { makeEndpoint } from '../support/model/make-endpoint.js'
import { makeServicePort } from '../support/model/make-service-port.js'

const NODE = '192.168.50.1'
const LOCAL_ROUTE = { family: 'IPv4', network: '10.9.0.0', bits: 24 } as const
const createFilter = () => new LoopFilter(() => new LocalAddresses([NODE], [LOCAL_ROUTE]))

const endpoint = (ip: string, port: number) => makeEndpoint(ip, { port })

function served(servicePort: ServicePort, ...endpoints: Endpoint[]): ServedPort {
  return { servicePort, endpoints, usable: { cluster: endpoints, local: endpoints, hasAny: true } }
}

function snapshotOf(...ports: ServedPort[]): ServiceSnapshot {
  return { generation: 1, ports: new Map(ports.map(port => [port.servicePort.key, port])) }
}

const otherService = makeServicePort({
  name: 'other',
  clusterIP: '10.96.0.20',
  externalIPs: ['203.0.113.9'],
  loadBalancerIPs: ['198.51.100.9'],
  nodePort: 30080,
})
const podEndpoint = endpoint('10.244.0.5', 80)

t.test('endpoints that are an address of a Service are removed, the others stay', t => {
  for (const [ip, port] of [
    ['10.96.0.20', 80],
    ['10.96.0.10', 80],
    ['203.0.113.9', 80],
    ['198.51.100.9', 80],
    [NODE, 30080],
    ['10.9.0.77', 30080],
  ] as const) {
    const web = served(makeServicePort(), endpoint(ip, port), podEndpoint)
    const given = snapshotOf(web, served(otherService, podEndpoint))
    const { snapshot, loopingPorts } = createFilter().apply(given, [...given.ports.values()].flatMap(frontendsOf))
    t.strictSame(loopingPorts, [web.servicePort.key], `${ip}:${port}`)
    t.strictSame(snapshot.ports.get(web.servicePort.key)!.usable, {
      cluster: [podEndpoint],
      local: [podEndpoint],
      hasAny: true,
    })
    t.equal(snapshot.ports.get(otherService.key), given.ports.get(otherService.key))
  }
  t.end()
})

t.test('the filter names the frontend that an endpoint is', t => {
  const web = served(makeServicePort(), podEndpoint)
  const given = snapshotOf(web, served(otherService, podEndpoint))
  const filter = createFilter()
  filter.apply(given, [...given.ports.values()].flatMap(frontendsOf))
  for (const [ip, port, name] of [
    ['10.96.0.20', 80, 'cluster IP 10.96.0.20:80/TCP'],
    ['203.0.113.9', 80, 'external IP 203.0.113.9:80/TCP'],
    [NODE, 30080, 'node port 30080/TCP'],
    ['10.244.0.9', 30080, undefined],
    ['10.96.0.20', 81, undefined],
  ] as const)
    t.equal(filter.findFrontend(web.servicePort, endpoint(ip, port))?.name, name, `${ip}:${port}`)
  t.end()
})

t.test('endpoints that only resemble an address of a Service stay', t => {
  const udp = makeServicePort({ name: 'udp', protocol: 'UDP', clusterIP: '10.96.0.30' })
  const web = served(
    makeServicePort(),
    endpoint('10.96.0.20', 81),
    endpoint('10.96.0.30', 80),
    endpoint('10.244.0.9', 30080),
    endpoint(NODE, 80),
  )
  const given = snapshotOf(web, served(otherService, podEndpoint), served(udp, podEndpoint))
  const { snapshot, loopingPorts } = createFilter().apply(given, [...given.ports.values()].flatMap(frontendsOf))
  t.strictSame(loopingPorts, [])
  t.equal(snapshot, given)
  t.end()
})

t.test('the filter follows Services that are added or removed, and unchanged ports stay the same objects', t => {
  const web = served(makeServicePort(), endpoint('10.96.0.20', 80), podEndpoint)
  const alone = snapshotOf(web)
  const both = snapshotOf(web, served(otherService, podEndpoint))
  const filter = createFilter()
  const frontends = frontendsOf(web)
  t.equal(filter.apply(alone, frontends).snapshot, alone)
  const all = [...both.ports.values()].flatMap(frontendsOf)
  const first = filter.apply(both, all).snapshot.ports.get(web.servicePort.key)!
  t.strictSame(first.usable.cluster, [podEndpoint])
  t.equal(filter.apply(both, all).snapshot.ports.get(web.servicePort.key), first)
  t.equal(filter.apply(alone, [...frontends]).snapshot, alone)
  t.end()
})

t.test('the filter follows the addresses and routes of the node', t => {
  const web = served(makeServicePort(), endpoint('192.168.50.7', 30080), endpoint('10.9.1.1', 30080), podEndpoint)
  const given = snapshotOf(web, served(otherService, podEndpoint))
  const frontends = [...given.ports.values()].flatMap(frontendsOf)
  let local = new LocalAddresses([NODE])
  const filter = new LoopFilter(() => local)
  const used = () =>
    filter
      .apply(given, frontends)
      .snapshot.ports.get(web.servicePort.key)!
      .usable.cluster.map(({ ip }) => ip)
  t.strictSame(used(), ['192.168.50.7', '10.9.1.1', '10.244.0.5'])
  local = new LocalAddresses([NODE, '192.168.50.7'])
  t.strictSame(used(), ['10.9.1.1', '10.244.0.5'], 'an address came')
  local = new LocalAddresses([NODE], [{ family: 'IPv4', network: '10.9.0.0', bits: 16 }])
  t.strictSame(used(), ['192.168.50.7', '10.244.0.5'], 'it went, and a route came')
  t.end()
})

t.test(
  'endpoints that lead in a circle over node ports of several nodes are removed, and come back with the last of it',
  t => {
    const service = (name: string, nodePort: number) =>
      makeServicePort({ name, nodePort, clusterIP: `10.96.0.${nodePort - 30000}` })
    const [a, b, c] = [service('a', 30001), service('b', 30002), service('c', 30003)]
    const filter = new LoopFilter(() => new LocalAddresses([NODE]))
    const looping = (...ports: ServedPort[]) => {
      const given = snapshotOf(...ports)
      const { loopingPorts } = filter.apply(given, frontends)
      return loopingPorts.map(key => given.ports.get(key)!.servicePort.name).join(' ')
    }
    const frontends = [a, b, c].flatMap(port => frontendsOf(served(port)))
    const toB = served(a, endpoint('192.168.60.9', 30002), podEndpoint)
    const toC = served(b, endpoint('192.168.61.9', 30003))
    const back = served(c, endpoint('192.168.62.9', 30001))
    t.equal(looping(toB, toC, served(c, podEndpoint)), '', 'a chain that ends')
    t.equal(looping(toB, toC, back), 'a b c')
    t.equal(looping(toB, served(b, endpoint('192.168.61.9', 30001)), served(c, podEndpoint)), 'a b', 'of two Services')
    t.equal(looping(toB, toC, served(c, podEndpoint)), '')
    const ownNumber = served(a, endpoint('192.0.2.9', 30001))
    t.equal(looping(ownNumber, served(b), served(c)), '', 'a server outside may have the number of its node port')
    const pod = served(c, makeEndpoint('10.244.0.9', { port: 30001, isPod: true }))
    t.equal(looping(toB, toC, pod), '', 'a Pod may have any number')
    t.end()
  },
)
