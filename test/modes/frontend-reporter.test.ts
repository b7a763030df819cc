import t from 'tap'
import { resolveAddressConflicts } from '../../lib/frontends/address-conflicts.js'
import { frontendsOf } from '../../lib/frontends/frontend.js'
import { type ClusterEvent } from '../../lib/model/event-sink.js'
import { FrontendReporter } from '../../lib/modes/frontend-reporter.js'
import { RecordingLog } from '../support/log/recording-log.js'
import { makeServicePort } from '../support/model/make-service-port.js'

t.test('an address that two Services use is an event on the one that is not served there, once', t => {
  const events: ClusterEvent[] = []
  const reporter = new FrontendReporter(new RecordingLog(), { record: event => void events.push(event) })
  const frontends = ['old', 'new'].flatMap((name, index) => {
    const address = { clusterIP: `10.96.0.1${index}`, externalIPs: ['203.0.113.7'] }
    return frontendsOf({
      servicePort: makeServicePort({ name, ...address, createdAt: index }),
      endpoints: [],
      usable: { cluster: [], local: [], hasAny: false },
    })
  })
  const { conflicts } = resolveAddressConflicts(frontends)
  reporter.report({ conflicts, loopingPorts: [], nodeAddressPorts: [] })
  reporter.report({ conflicts, loopingPorts: [], nodeAddressPorts: [] })
  t.strictSame(
    events.map(({ reason, note, regarding }) => `${regarding.name}: ${reason}: ${note}`),
    [
      'new: PortAlreadyAllocated: gives external IP 203.0.113.7:80/TCP to default/old and not to default/new: the older Service is served',
    ],
  )
  t.end()
})
