import t from 'tap'
import { type ListenerSpec } from '../../../lib/dataplane/listener-plan.js'
import { type ClusterEvent } from '../../../lib/model/event-sink.js'
import { ProxyFailure, messageOf } from '../../../lib/model/failure.js'
import { ProxierReporter } from '../../../lib/modes/userspace/proxier-reporter.js'
import { RecordingLog } from '../../support/log/recording-log.js'
import { makeServicePort } from '../../support/model/make-service-port.js'

const NO_ENDPOINTS = { cluster: [], local: [], hasAny: false }

function createReporter() {
  const log = new RecordingLog()
  const events: ClusterEvent[] = []
  const withoutPort: number[] = []
  const reporter = new ProxierReporter({
    iptables: [],
    log,
    events: { record: event => void events.push(event) },
    proxyPortObserver: { servicePortsWithoutPort: count => void withoutPort.push(count) },
  })
  const takeEvents = () =>
    events.splice(0).map(({ reason, note, regarding }) => `${regarding.name}: ${reason}: ${note}`)
  return { reporter, log, takeEvents, withoutPort }
}

function makeSpec(given: Partial<ListenerSpec> = {}): ListenerSpec {
  return {
    key: 'k',
    namespace: 'default',
    service: 'web',
    portName: '',
    protocol: 'TCP',
    address: '0.0.0.0',
    port: 30080,
    endpoints: [],
    affinityMs: undefined,
    balancer: 'round-robin',
    maxConnections: undefined,
    maxConnectionsPerClient: undefined,
    sourceRanges: undefined,
    holdsNodePort: true,
    ...given,
  }
}

t.test('a node port that another program holds is an event on its Service, again only after it was free', t => {
  const { reporter, log, takeEvents } = createReporter()
  const failure = new ProxyFailure('PROXY_PORT_UNAVAILABLE', 'Cannot listen on port 30080')
  const failed = { open: new Map(), failed: new Map([['k', failure]]) }
  const specs = new Map([['k', makeSpec()]])
  reporter.reportFailures(specs, failed)
  reporter.reportFailures(specs, failed)
  t.strictSame(takeEvents(), ['web: PortAlreadyAllocated: cannot listen on port 30080'])
  t.equal(log.entries.length, 1)
  reporter.reportFailures(specs, { open: new Map([['k', 30080]]), failed: new Map() })
  reporter.reportFailures(specs, failed)
  t.equal(takeEvents().length, 1)
  t.match(log.entries[0], { message: 'NodePort is served but not held' })
  const addresses = new Map(['k@10.0.0.1', 'k@10.0.0.2'].map(key => [key, makeSpec({ key })]))
  const failures = { open: new Map(), failed: new Map([...addresses.keys()].map(key => [key, failure])) }
  reporter.reportFailures(addresses, failures)
  t.strictSame(takeEvents(), [], 'all addresses of a NodePort are one report')
  const cause = Object.assign(new Error('bind'), { code: 'EADDRNOTAVAIL' })
  const gone = new ProxyFailure('PROXY_PORT_UNAVAILABLE', 'no address', { cause })
  reporter.reportFailures(addresses, { open: new Map(), failed: new Map([['k@10.0.0.1', gone]]) })
  reporter.reportFailures(new Map([['p', makeSpec({ key: 'p', holdsNodePort: false })]]), {
    open: new Map(),
    failed: new Map([['p', failure]]),
  })
  t.match(
    takeEvents(),
    [/^web: FailedToListen: /],
    'a proxy port is not a port of the Service, and an address that is gone is no failure',
  )
  t.end()
})

t.test('a listener that leaves its port is logged with both', t => {
  const { reporter, log } = createReporter()
  reporter.reportMove('IPv4/default/web/TCP', 30080)
  t.match(log.entries, [
    { message: /Moving a proxy port/, fields: { servicePort: 'IPv4/default/web/TCP', proxyPort: 30080 } },
  ])
  t.end()
})

t.test('service ports without a proxy port are reported when their number changes, and counted', t => {
  const { reporter, log, withoutPort } = createReporter()
  for (const keys of [['a', 'b'], ['a', 'b'], [], ['a', 'b']]) reporter.reportExhausted(keys)
  const failures = log.entries.map(({ message, error }) => `${message}: ${messageOf(error)}`)
  const expected = 'Service port is not served: Cannot listen for a and 1 more: no port of --proxy-port-range is left'
  t.strictSame(failures, [expected, expected])
  t.strictSame(withoutPort, [2, 2, 0, 2])
  t.end()
})

t.test('SCTP is an event on its Service, once', t => {
  const { reporter, takeEvents } = createReporter()
  const servicePort = makeServicePort({ protocol: 'SCTP', port: 132 })
  const snapshot = { generation: 1, ports: new Map([['k', { servicePort, endpoints: [], usable: NO_ENDPOINTS }]]) }
  reporter.reportSctp(snapshot)
  reporter.reportSctp(snapshot)
  t.strictSame(takeEvents(), [
    'web: ProtocolNotSupported: does not serve SCTP port 132: there is no SCTP in userspace mode',
  ])
  t.end()
})

t.test('listeners without a descriptor are one log line when the shortage begins', t => {
  const { reporter, log, takeEvents } = createReporter()
  const failedFor = (...keys: readonly string[]) => ({
    open: new Map<string, number>(),
    failed: new Map(keys.map(key => [key, new ProxyFailure('DESCRIPTORS_EXHAUSTED', `Cannot listen for ${key}`)])),
  })
  for (const keys of [['a', 'b', 'c'], ['a', 'b'], [], ['a']]) reporter.reportFailures(new Map(), failedFor(...keys))
  const lines = log.entries.map(
    ({ message, error, fields }) => `${message}: ${messageOf(error)} ${JSON.stringify(fields)}`,
  )
  t.strictSame(lines, [
    'Service ports are not served: Cannot listen for a {"others":2}',
    'Service ports are not served: Cannot listen for a {"others":0}',
  ])
  t.strictSame(takeEvents(), [])
  t.end()
})
