import t from 'tap'
import { MAX_PROBES, probeTargets } from '../../lib/doctor/probe-endpoints.js'
import { endpointVerdict } from '../../lib/snapshot/endpoint-verdict.js'
import { makeEndpointView } from '../support/doctor/make-facts.js'

t.test('only endpoints that get traffic are probed, each once, and only where a connection shows something', t => {
  const addressOf = (...endpoints: Parameters<typeof probeTargets>[0]): string[] =>
    probeTargets(endpoints).map(({ address }) => address)
  const used = makeEndpointView('10.244.0.2:8080')
  t.same(addressOf(used, used), ['10.244.0.2:8080'])
  t.same(probeTargets([makeEndpointView('[fd00::2]:80')]), [{ address: '[fd00::2]:80', host: 'fd00::2', port: 80 }])
  for (const reason of ['not-ready', 'service-address', 'node-address', 'refused-address', 'no-such-port'] as const)
    t.same(addressOf(makeEndpointView('10.244.0.2:8080', { cluster: endpointVerdict(reason) })), [], reason)
  t.same(addressOf(makeEndpointView('10.244.0.2:53', { protocol: 'UDP' })), [])
  t.same(addressOf(makeEndpointView('10.244.0.2')), [], 'an entry without a port')
  t.same(addressOf(makeEndpointView('example.com:80')), [], 'no name is looked up')
  const many = Array.from({ length: 100 }, (_, index) => makeEndpointView(`10.244.1.${index}:80`))
  t.equal(probeTargets(many).length, MAX_PROBES)
  const others = [
    makeEndpointView('[fd00::2]:80', { family: 'IPv6' }),
    makeEndpointView('10.244.1.0:9090', { portName: 'metrics' }),
  ]
  const first = addressOf(...many, ...others).slice(0, 4)
  t.same(first, ['10.244.1.0:80', '[fd00::2]:80', '10.244.1.0:9090', '10.244.1.1:80'], 'each port has its turn')
  t.end()
})
