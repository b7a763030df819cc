import { MODES } from '../../lib/modes/registry.js'
import t from 'tap'
import { NodeEventSink } from '../../lib/node/node-event-sink.js'
import { NodeWait } from '../../lib/node/node-wait.js'
import { NodeManager } from '../../lib/node/node-manager.js'
import { reportProblems } from '../../lib/control/report-problems.js'
import { type KubeProxyConfig } from '../../lib/config/kube-proxy-config.js'
import { readConfig } from '../../lib/config/read-config.js'
import { type ClusterEvent } from '../../lib/model/event-sink.js'
import { type NodeObject } from '../../lib/model/objects.js'
import { RecordingLog } from '../support/log/recording-log.js'
import { ManualClock } from '../support/clock/manual-clock.js'

const NODE: NodeObject = { name: 'node-a', zone: '', addresses: ['192.168.50.1'], podCIDRs: [], eligible: true }
const CONFIG = readConfig({}, 'node-a', MODES).config

function createNodeWait(missing: () => string | undefined) {
  const clock = new ManualClock()
  const log = new RecordingLog()
  const state = { timeouts: 0, missing: '' }
  const onTimeout = (missing: string): void => {
    state.timeouts++
    state.missing = missing
  }
  const wait = new NodeWait({ clock, log, timeoutMs: 5000, missing, onTimeout })
  return { clock, log, wait, state }
}

t.test('Nothing is waited for where the Node is known', t => {
  const { wait, log } = createNodeWait(() => undefined)
  t.equal(wait.isOver(), true)
  t.strictSame(log.entries, [])
  t.end()
})

t.test('A Node that comes ends the wait, for good', async t => {
  let missing: string | undefined = 'the Node'
  const { wait, clock, state } = createNodeWait(() => missing)
  t.equal(wait.isOver(), false)
  await clock.advance(4000)
  t.equal(wait.isOver(), false)
  missing = undefined
  t.equal(wait.isOver(), true)
  missing = 'the Node'
  t.equal(wait.isOver(), true, 'a Node that goes again does not stop what has begun')
  await clock.advance(60_000)
  t.equal(state.timeouts, 0)
})

t.test('A Node that does not come in time is told of once, and waited for no more', async t => {
  const { wait, clock, state } = createNodeWait(() => 'an address of the Node')
  for (const _ of [1, 2, 3]) t.equal(wait.isOver(), false)
  await clock.advance(5000)
  t.equal(state.timeouts, 1)
  t.equal(wait.isOver(), true)
  t.equal(state.missing, 'an address of the Node')
  await clock.advance(60_000)
  t.equal(state.timeouts, 1)
})

t.test('What is missing of a Node depends on what it is needed for', t => {
  const nodeCIDR: KubeProxyConfig = { ...CONFIG, detectLocal: { mode: 'NodeCIDR' } }
  const podCIDRs = [{ family: 'IPv4', network: '10.244.1.0', bits: 24 }] as const
  for (const [name, config, node, missing] of [
    ['no Node', CONFIG, undefined, 'the Node'],
    ['no address', CONFIG, { ...NODE, addresses: [] }, 'an address of the Node'],
    ['no Pod ranges', CONFIG, NODE, undefined],
    ['no Pod ranges where they tell Pods from others', nodeCIDR, NODE, 'podCIDRs of the Node'],
    ['all there', nodeCIDR, { ...NODE, podCIDRs }, undefined],
  ] as const)
    t.equal(new NodeManager(config, () => node).missing, missing, name)
  t.end()
})

t.test('Pods are told from others by the ranges that the Node has now', t => {
  let node: NodeObject | undefined = NODE
  const own = new NodeManager({ ...CONFIG, detectLocal: { mode: 'NodeCIDR' } }, () => node)
  t.strictSame(own.getLocalTraffic('IPv4').localMatches, [])
  const range = { family: 'IPv4', network: '10.244.1.0', bits: 24 } as const
  node = { ...NODE, podCIDRs: [range] }
  t.strictSame(own.getLocalTraffic('IPv4').localMatches, [{ source: range }])
  t.strictSame(own.getLocalTraffic('IPv6').localMatches, [])
  t.end()
})

t.test('A Node is gone when it was there before, and its changes are told', t => {
  let node: NodeObject | undefined
  const own = new NodeManager(CONFIG, () => node)
  const log = new RecordingLog()
  t.equal(own.reportChanges(log), false, 'not there yet')
  node = NODE
  t.equal(own.reportChanges(log), false)
  t.equal(own.reportChanges(log), false)
  t.equal(log.entries.length, 1, 'told once')
  node = { ...NODE, addresses: [] }
  t.equal(own.reportChanges(log), false)
  t.match(log.entries.at(-1), { severity: 'warn', message: /no addresses/ })
  node = undefined
  t.equal(own.reportChanges(log), true)
  t.end()
})

t.test('Events about a Service get this node for a subject, and the uid that kubectl looks for', t => {
  const events: ClusterEvent[] = []
  const sink = { record: (event: ClusterEvent) => void events.push(event) }
  const uidOf = (_: string, name: string) => ({ web: 'uid-1', manifest: '' })[name]
  const node = new NodeEventSink({ sink, nodeName: 'node-a', getServiceUid: uidOf })
  const event = { type: 'Warning', reason: 'X', action: 'Y', note: 'cannot listen' } as const
  for (const name of ['web', 'manifest', 'gone'])
    node.record({ ...event, regarding: { kind: 'Service', namespace: 'default', name } })
  node.record({ ...event, regarding: { kind: 'Node', namespace: '', name: 'node-a' } })
  const note = 'node node-a cannot listen'
  t.strictSame(events, [
    { ...event, note, regarding: { kind: 'Service', namespace: 'default', name: 'web', uid: 'uid-1' } },
    { ...event, note, regarding: { kind: 'Service', namespace: 'default', name: 'manifest' } },
    { ...event, note, regarding: { kind: 'Service', namespace: 'default', name: 'gone' } },
    { ...event, regarding: { kind: 'Node', namespace: '', name: 'node-a' } },
  ])
  t.end()
})

t.test('Wrong fields are logged, and are events where they explain what a Service does', t => {
  const reasons = (given: Partial<Parameters<typeof reportProblems>[0]>) => {
    const log = new RecordingLog()
    const told: string[] = []
    const problems = ['a']
    const all = { kind: 'Service', name: 'default/web', problems, wrongFamily: ['b'], service: undefined } as const
    reportProblems({ ...all, ...given }, log, { record: ({ reason }) => void told.push(reason) })
    t.equal(log.entries.length, 2)
    return told
  }
  const service = { namespace: 'default', name: 'web' }
  t.strictSame(reasons({ service }), ['InvalidField', 'KubeProxyIncorrectIPVersion'])
  t.strictSame(reasons({ service, kind: 'EndpointSlice' }), ['KubeProxyIncorrectIPVersion'])
  t.strictSame(reasons({}), [], 'nobody knows whose it is')
  t.end()
})
