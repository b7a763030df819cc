import t from 'tap'
import { type ListenerSpec } from '../../../lib/dataplane/listener-plan.js'
import { type ClusterEvent } from '../../../lib/model/event-sink.js'
import { ProxyFailure } from '../../../lib/model/failure.js'
import { resolveAddressConflicts } from '../../../lib/frontends/address-conflicts.js'
import { FrontendReporter } from '../../../lib/modes/frontend-reporter.js'
import { frontendsOf } from '../../../lib/frontends/frontend.js'
import { ProxierReporter } from '../../../lib/modes/userspace/proxier-reporter.js'
import { RecordingLog } from '../../support/log/recording-log.js'
import { makeServicePort } from '../../support/model/make-service-port.js'

const NO_ENDPOINTS = { cluster: [], local: [], hasAny: false }

function createReporters() {
  const log = new RecordingLog()
  const events: ClusterEvent[] = []
  const sink = { record: (event: ClusterEvent) => void events.push(event) }
  const reporter = new ProxierReporter(log, sink)
  const frontendReporter = new FrontendReporter(log, sink)
  const takeEvents = () =>
    events.splice(0).map(({ reason, note, regarding }) => `${regarding.name}: ${reason}: ${note}`)
  return { reporter, frontendReporter, log, takeEvents }
}

const spec = (given: Partial<ListenerSpec>): ListenerSpec => ({
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
})

t.test('A port that somebody else holds is an event on its Service, again only after it was free', t => {
  const { reporter: told, log, takeEvents: take } = createReporters()
  const failure = new ProxyFailure('PROXY_PORT_UNAVAILABLE', 'Cannot listen on port 30080')
  const failed = { open: new Map(), failed: new Map([['k', failure]]) }
  const specs = new Map([['k', spec({})]])
  told.reportFailures(specs, failed)
  told.reportFailures(specs, failed)
  t.strictSame(take(), ['web: PortAlreadyAllocated: cannot listen on port 30080'])
  t.equal(log.entries.length, 1)
  told.reportFailures(specs, { open: new Map([['k', 30080]]), failed: new Map() })
  told.reportFailures(specs, failed)
  t.equal(take().length, 1)
  told.reportFailures(new Map([['p', spec({ key: 'p', holdsNodePort: false })]]), {
    open: new Map(),
    failed: new Map([['p', failure]]),
  })
  t.match(take(), [/^web: FailedToListen: /], 'no matter of the Service, which asked for no port')
  t.end()
})

t.test('An address that two Services claim is an event on the one that does not get it', t => {
  const { frontendReporter: told, takeEvents: take } = createReporters()
  const portals = ['old', 'new'].flatMap((name, index) =>
    frontendsOf({
      servicePort: makeServicePort({
        name,
        clusterIP: `10.96.0.1${index}`,
        externalIPs: ['203.0.113.7'],
        createdAt: index,
      }),
      endpoints: [],
      usable: NO_ENDPOINTS,
    }),
  )
  const { conflicts } = resolveAddressConflicts(portals)
  told.report({ conflicts, loopingPorts: [] })
  told.report({ conflicts, loopingPorts: [] })
  t.strictSame(take(), [
    'new: PortAlreadyAllocated: gives external IP 203.0.113.7:80/TCP to default/old, which is older, and not to default/new',
  ])
  t.end()
})

t.test('SCTP is an event on its Service, once', t => {
  const { reporter: told, takeEvents: take } = createReporters()
  const servicePort = makeServicePort({ protocol: 'SCTP', port: 132 })
  const snapshot = { generation: 1, ports: new Map([['k', { servicePort, endpoints: [], usable: NO_ENDPOINTS }]]) }
  told.reportSctp(snapshot)
  told.reportSctp(snapshot)
  t.strictSame(take(), ['web: ProtocolNotSupported: does not serve SCTP port 132: there is no SCTP in userspace mode'])
  t.end()
})
