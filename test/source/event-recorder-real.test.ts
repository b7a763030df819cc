import t from 'tap'
import { type ClusterEvent } from '../../lib/model/event-sink.js'
import { buildCoreV1Object } from '../../lib/source/event-object.js'
import { EventRecorder } from '../../lib/source/event-recorder.js'
import { createKubeClient } from '../../lib/source/kube-client.js'
import { realClock } from '../../lib/system/real-clock.js'
import { RecordingLog } from '../support/log/recording-log.js'
import { RealApiServer, realApiServerUnavailable } from '../support/api/real-api-server.js'

/** Too long for the server, which shows that a cut note fits. */
const NOTE = `the port is taken ${'é'.repeat(600)}`
const SERVICE_EVENT: ClusterEvent = {
  type: 'Warning',
  reason: 'FailedToStartServiceHealthcheck',
  action: 'Listen',
  note: NOTE,
  regarding: { kind: 'Service', namespace: 'default', name: 'web', uid: 'uid-1' },
}
const NODE_EVENT: ClusterEvent = {
  type: 'Normal',
  reason: 'Starting',
  action: 'StartKubeProxy',
  note: '',
  regarding: { kind: 'Node', namespace: '', name: 'n1' },
}
const EVENTS = '/namespaces/default/events'

t.test('against a real kube-apiserver', { skip: realApiServerUnavailable(), timeout: 240_000 }, async test => {
  const api = await RealApiServer.start()
  test.teardown(() => api.stop())
  const items = async (path: string): Promise<Record<string, unknown>[]> =>
    ((await api.requestOk('GET', path)) as { items: Record<string, unknown>[] }).items

  await test.test('events about a Service and the Node are in both APIs', async inner => {
    // A watch delivers the events, so that the test need not poll.
    const client = await createKubeClient({ kubeconfig: api.kubeconfigPath, clock: realClock })
    const log = new RecordingLog()
    const end = new AbortController()
    const recorder = new EventRecorder({ client, nodeName: 'n1', clock: realClock, log })
    const running = recorder.run(end.signal)
    const lines = await client.streamLines(`/apis/events.k8s.io/v1${EVENTS}?watch=true`, end.signal)
    recorder.record(SERVICE_EVENT)
    recorder.record(NODE_EVENT)
    recorder.record(SERVICE_EVENT)
    let seen = 0
    // The watch never delivers a refused event, but a log entry ends the wait as well.
    void log.waitForEntry().then(() => end.abort())
    for await (const batch of lines) if ((seen += batch.length) >= 2) break
    end.abort()
    await running
    inner.strictSame(log.entries, [])

    const modern = await items(`/apis/events.k8s.io/v1${EVENTS}`)
    inner.equal(modern.length, 2)
    const ofService = modern.find(({ type }) => type === 'Warning')!
    inner.match(ofService, {
      metadata: { name: /^web\./ },
      reason: 'FailedToStartServiceHealthcheck',
      action: 'Listen',
      reportingController: 'kube-proxy',
      reportingInstance: 'kube-proxy-n1',
      regarding: { apiVersion: 'v1', kind: 'Service', namespace: 'default', name: 'web', uid: 'uid-1' },
    })
    inner.match(ofService['note'], /^the port is taken é+\.\.\.$/)
    inner.match(ofService['eventTime'], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    // The request of `kubectl describe node`.
    const selector = 'involvedObject.kind=Node,involvedObject.name=n1,involvedObject.uid=n1'
    const ofNode = await items(`/api/v1/events?fieldSelector=${encodeURIComponent(selector)}`)
    inner.match(ofNode, [{ metadata: { namespace: 'default' }, reason: 'Starting', type: 'Normal' }])
  })

  await test.test('the server accepts the core events for older servers', async inner => {
    for (const [event, unique] of [
      [SERVICE_EVENT, 'core-service'],
      [NODE_EVENT, 'core-node'],
    ] as const) {
      const object = buildCoreV1Object(event, { nodeName: 'n1', at: Date.UTC(2026, 0, 2), uniqueSuffix: unique })
      inner.match(await api.requestOk('POST', `/api/v1${EVENTS}`, object), { reason: event.reason, count: 1 })
    }
  })

  await test.test('a server without events.k8s.io/v1 gets core events', async inner => {
    await api.killApi()
    await api.startApi({ flags: ['--runtime-config=events.k8s.io/v1=false'] })
    const client = await createKubeClient({ kubeconfig: api.kubeconfigPath, clock: realClock })
    const end = new AbortController()
    const log = new RecordingLog()
    const recorder = new EventRecorder({ client, nodeName: 'n2', clock: realClock, log })
    const running = recorder.run(end.signal)
    const selector = encodeURIComponent('involvedObject.name=n2')
    const lines = await client.streamLines(`/api/v1${EVENTS}?watch=true&fieldSelector=${selector}`, end.signal)
    recorder.record({ ...NODE_EVENT, regarding: { ...NODE_EVENT.regarding, name: 'n2' } })
    const seen: string[] = []
    for await (const batch of lines) {
      seen.push(...batch)
      if (seen.length > 0) break
    }
    end.abort()
    await running
    inner.match(JSON.parse(seen[0]!), {
      type: 'ADDED',
      object: { source: { component: 'kube-proxy', host: 'n2' }, involvedObject: { uid: 'n2' } },
    })
    inner.strictSame(log.entries, [])
  })
})
