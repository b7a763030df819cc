import t from 'tap'
import { type Endpoint } from '../../lib/model/endpoint.js'
import { type ServicePort } from '../../lib/model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../../lib/model/snapshot.js'
import { LoopFilter } from '../../lib/frontends/loop-filter.js'
import { frontendsOf } from '../../lib/frontends/frontend.js'
import { makeEndpoint } from '../support/model/make-endpoint.js'
import { makeServicePort } from '../support/model/make-service-port.js'

const NODE = '192.168.50.1'
const createFilter = () => new LoopFilter(family => (family === 'IPv4' ? [NODE] : []))

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
