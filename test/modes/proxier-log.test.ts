import t from 'tap'
import { type ListenerSpec } from '../../lib/dataplane/listener-plan.js'
import { type ClusterEvent } from '../../lib/model/event-sink.js'
import { ProxyFailure } from '../../lib/model/failure.js'
import { settleClaims } from '../../lib/modes/claims.js'
import { PortalLog } from '../../lib/modes/portal-log.js'
import { portalsOf } from '../../lib/modes/portals.js'
import { ProxierLog } from '../../lib/modes/userspace/proxier-log.js'
import { RecordingLog } from '../observe/recording-log.js'
import { servicePortOf } from '../support/service-port-of.js'

const NOBODY = { cluster: [], local: [], hasAny: false }

function rig() {
  const log = new RecordingLog()
  const events: ClusterEvent[] = []
  const sink = { event: (event: ClusterEvent) => void events.push(event) }
  const told = new ProxierLog(log, sink)
  const portalsTold = new PortalLog(log, sink)
  const take = () => events.splice(0).map(({ reason, note, regarding }) => `${regarding.name}: ${reason}: ${note}`)
  return { told, portalsTold, log, take }
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
  clients: undefined,
  holdsNodePort: true,
  ...given,
})

t.test('A port that somebody else holds is an event on its Service, again only after it was free', t => {
  const { told, log, take } = rig()
  const failure = new ProxyFailure('PROXY_PORT_UNAVAILABLE', 'Cannot listen on port 30080')
  const failed = { open: new Map(), failed: new Map([['k', failure]]) }
  const specs = new Map([['k', spec({})]])
  told.failed(specs, failed)
  told.failed(specs, failed)
  t.strictSame(take(), ['web: PortAlreadyAllocated: cannot listen on port 30080'])
  t.equal(log.entries.length, 1)
  told.failed(specs, { open: new Map([['k', 30080]]), failed: new Map() })
  told.failed(specs, failed)
  t.equal(take().length, 1)
  told.failed(new Map([['p', spec({ key: 'p', holdsNodePort: false })]]), {
    open: new Map(),
    failed: new Map([['p', failure]]),
  })
  t.match(take(), [/^web: FailedToListen: /], 'no matter of the Service, which asked for no port')
  t.end()
})

t.test('An address that two Services claim is an event on the one that does not get it', t => {
  const { portalsTold: told, take } = rig()
  const portals = ['old', 'new'].flatMap((name, index) =>
    portalsOf({
      servicePort: servicePortOf({
        name,
        clusterIP: `10.96.0.1${index}`,
        externalIPs: ['203.0.113.7'],
        createdAt: index,
      }),
      endpoints: [],
      usable: NOBODY,
    }),
  )
  const { conflicts } = settleClaims(portals)
  told.conflicts(conflicts)
  told.conflicts(conflicts)
  t.strictSame(take(), [
    'new: PortAlreadyAllocated: gives external IP 203.0.113.7:80/TCP to default/old, which is older, and not to default/new',
  ])
  t.end()
})

t.test('SCTP is an event on its Service, once', t => {
  const { told, take } = rig()
  const servicePort = servicePortOf({ protocol: 'SCTP', port: 132 })
  const snapshot = { generation: 1, ports: new Map([['k', { servicePort, endpoints: [], usable: NOBODY }]]) }
  told.sctp(snapshot)
  told.sctp(snapshot)
  t.strictSame(take(), ['web: ProtocolNotSupported: does not serve SCTP port 132: there is no SCTP in userspace mode'])
  t.end()
})
