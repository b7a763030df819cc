import t from 'tap'
import { type ClusterEvent } from '../../lib/model/event-sink.js'
import { NodeEventSink, NodeEvents } from '../../lib/node/node-event-sink.js'

function recordInto(events: ClusterEvent[]) {
  return { record: (event: ClusterEvent) => void events.push(event) }
}

t.test('an event about a Service gets the name of this node, and the uid that kubectl searches for', t => {
  const events: ClusterEvent[] = []
  const getServiceUid = (_: string, name: string) => ({ web: 'uid-1', manifest: '' })[name]
  const sink = new NodeEventSink({ sink: recordInto(events), nodeName: 'node-a', getServiceUid })
  const event = { type: 'Warning', reason: 'X', action: 'Y', note: 'cannot listen' } as const
  for (const name of ['web', 'manifest', 'gone'])
    sink.record({ ...event, regarding: { kind: 'Service', namespace: 'default', name } })
  const note = 'node node-a cannot listen'
  t.strictSame(events, [
    { ...event, note, regarding: { kind: 'Service', namespace: 'default', name: 'web', uid: 'uid-1' } },
    { ...event, note, regarding: { kind: 'Service', namespace: 'default', name: 'manifest' } },
    { ...event, note, regarding: { kind: 'Service', namespace: 'default', name: 'gone' } },
  ])
  t.end()
})

t.test('an event about the Node is passed on without changes', t => {
  const events: ClusterEvent[] = []
  const sink = new NodeEventSink({ sink: recordInto(events), nodeName: 'node-a', getServiceUid: () => undefined })
  new NodeEvents(sink, 'node-a').record('Normal', 'Starting', '')
  const regarding = { kind: 'Node', namespace: '', name: 'node-a' }
  t.strictSame(events, [{ type: 'Normal', reason: 'Starting', action: 'StartKubeProxy', note: '', regarding }])
  t.end()
})
