import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { type ClusterEvent } from '../../lib/model/event-sink.js'
import { buildCoreV1Object, buildEventsV1Object } from '../../lib/source/event-object.js'
import { EventRecorder } from '../../lib/source/event-recorder.js'
import { createKubeClient } from '../../lib/source/kube-client.js'
import { realClock } from '../../lib/system/real-clock.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { RecordingLog } from '../support/log/recording-log.js'
import { ApiServer } from '../support/api/api-server.js'

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
const NODE_EVENT: ClusterEvent = {
  type: 'Normal',
  reason: 'Starting',
  action: 'StartKubeProxy',
  note: '',
  regarding: { kind: 'Node', namespace: '', name: 'n1' },
}

function serviceEvent(note: string, namespace = 'shop', uid = 'uid-1'): ClusterEvent {
  return {
    type: 'Warning',
    reason: 'FailedToStartServiceHealthcheck',
    action: 'Listen',
    note,
    regarding: { kind: 'Service', namespace, name: 'web', uid },
  }
}

interface Fixture {
  readonly api: ApiServer
  readonly recorder: EventRecorder
  readonly clock: ManualClock
  readonly log: RecordingLog
  /** Starts writing. */
  run(): void
  /** Stops writing; resolves when it has stopped. */
  stop(): Promise<void>
  /** Resolves when this many events have been written. */
  waitForWritten(count: number): Promise<void>
  /** How many requests were sent, successful or not. */
  countPosts(): number
  getNotes(): unknown[]
  /** Advances the clock; resolves when the next timer has been set. */
  advanceToNextTimer(ms: number): Promise<void>
}

async function createFixture(t: Test, url?: string): Promise<Fixture> {
  const api = await ApiServer.start()
  const clock = new ManualClock()
  const log = new RecordingLog()
  const client = await createKubeClient({ master: url ?? api.url, clock: realClock })
  const recorder = new EventRecorder({ client, nodeName: 'n1', clock, log, now: () => NOW, random: () => 0 })
  const end = new AbortController()
  let running: Promise<void> = Promise.resolve()
  const stop = async (): Promise<void> => {
    end.abort()
    await running
  }
  t.teardown(async () => {
    await stop()
    await api.stop()
  })
  return {
    api,
    recorder,
    clock,
    log,
    run: () => {
      running = recorder.run(end.signal)
    },
    stop,
    // The server stores the event before it responds. Tests wait in other ways for what follows the response.
    waitForWritten: count => api.waitUntil(() => api.events.length >= count),
    countPosts: () => api.requests.filter(({ method }) => method === 'POST').length,
    getNotes: () => api.events.map(({ object }) => object['note'] ?? object['message']),
    advanceToNextTimer: async ms => {
      const armed = clock.waitForTimer()
      clock.advanceSync(ms)
      await armed
    },
  }
}

t.test('an event about a Service is in its namespace, and has all fields of events.k8s.io/v1', async t => {
  const fixture = await createFixture(t)
  fixture.run()
  fixture.recorder.record(serviceEvent('the port is taken'))
  await fixture.waitForWritten(1)
  const [{ api, namespace, object }] = fixture.api.events as [(typeof fixture.api.events)[0]]
  t.strictSame([api, namespace], ['events.k8s.io/v1', 'shop'])
  const { metadata, ...rest } = object
  t.match(metadata.name, /^web\.[0-9a-f]{16}$/)
  t.strictSame(rest, {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    eventTime: '2026-01-02T03:04:05.678000Z',
    type: 'Warning',
    reason: 'FailedToStartServiceHealthcheck',
    action: 'Listen',
    note: 'the port is taken',
    regarding: { apiVersion: 'v1', kind: 'Service', namespace: 'shop', name: 'web', uid: 'uid-1' },
    reportingController: 'kube-proxy',
    reportingInstance: 'kube-proxy-n1',
  })
})

t.test('an event about the Node is in the namespace default, with the name of the Node as uid', async t => {
  const fixture = await createFixture(t)
  fixture.run()
  fixture.recorder.record(NODE_EVENT)
  await fixture.waitForWritten(1)
  t.match(fixture.api.events, [{ namespace: 'default', object: { note: '' } }])
  t.strictSame(fixture.api.events[0]?.object['regarding'], {
    apiVersion: 'v1',
    kind: 'Node',
    namespace: 'default',
    name: 'n1',
    uid: 'n1',
  })
})

t.test('events that were recorded before the start are written in order', async t => {
  const fixture = await createFixture(t)
  for (const note of ['a', 'b', 'c']) fixture.recorder.record(serviceEvent(note))
  t.equal(fixture.countPosts(), 0)
  fixture.run()
  await fixture.waitForWritten(3)
  t.strictSame(fixture.getNotes(), ['a', 'b', 'c'])
  t.equal(new Set(fixture.api.events.map(({ object }) => object.metadata.name)).size, 3)
})

t.test('a server without events.k8s.io/v1 gets core events, and no more requests for the other API', async t => {
  const fixture = await createFixture(t)
  fixture.api.serves['events.k8s.io/v1'] = false
  fixture.run()
  fixture.recorder.record(serviceEvent('a'))
  fixture.recorder.record(NODE_EVENT)
  await fixture.waitForWritten(2)
  t.equal(fixture.countPosts(), 3)
  t.match(fixture.api.events, [
    { api: 'v1', namespace: 'shop' },
    { api: 'v1', namespace: 'default' },
  ])
  const { metadata, ...rest } = fixture.api.events[0]!.object
  t.match(metadata.name, /^web\./)
  t.strictSame(rest, {
    apiVersion: 'v1',
    kind: 'Event',
    firstTimestamp: '2026-01-02T03:04:05Z',
    lastTimestamp: '2026-01-02T03:04:05Z',
    count: 1,
    type: 'Warning',
    reason: 'FailedToStartServiceHealthcheck',
    action: 'Listen',
    message: 'a',
    involvedObject: { apiVersion: 'v1', kind: 'Service', namespace: 'shop', name: 'web', uid: 'uid-1' },
    source: { component: 'kube-proxy', host: 'n1' },
    reportingComponent: 'kube-proxy',
    reportingInstance: 'kube-proxy-n1',
  })
  t.strictSame(fixture.api.events[1]?.object['involvedObject'], {
    apiVersion: 'v1',
    kind: 'Node',
    name: 'n1',
    uid: 'n1',
  })
  t.strictSame(fixture.log.entries, [])
})

t.test('a missing namespace drops its event, and does not change the API of the others', async t => {
  const fixture = await createFixture(t)
  fixture.api.injectNext(9, { status: 404, when: ({ path }) => path.includes('/gone/') })
  fixture.run()
  fixture.recorder.record(serviceEvent('a', 'gone'))
  fixture.recorder.record(serviceEvent('b'))
  await fixture.waitForWritten(1)
  t.match(fixture.api.events, [{ api: 'events.k8s.io/v1', namespace: 'shop' }])
  t.equal(fixture.countPosts(), 3)
})

t.test('the same event is written once in ten minutes; another note or uid is another event', async t => {
  const fixture = await createFixture(t)
  fixture.run()
  for (const note of ['a', 'a', 'b', 'a']) fixture.recorder.record(serviceEvent(note))
  fixture.recorder.record(serviceEvent('a', 'shop', 'uid-2'))
  await fixture.waitForWritten(3)
  fixture.clock.advanceSync(10 * 60_000 - 1)
  fixture.recorder.record(serviceEvent('a'))
  fixture.recorder.record(serviceEvent('mark'))
  await fixture.waitForWritten(4)
  t.strictSame(fixture.getNotes(), ['a', 'b', 'a', 'mark'])
  fixture.clock.advanceSync(1)
  fixture.recorder.record(serviceEvent('a'))
  await fixture.waitForWritten(5)
  t.strictSame(fixture.getNotes().at(-1), 'a')
})

t.test('after 25 events at once, one more is written every ten seconds', async t => {
  const fixture = await createFixture(t)
  const armed = fixture.clock.waitForTimer()
  for (let i = 0; i < 28; i++) fixture.recorder.record(serviceEvent(`${i}`))
  fixture.run()
  await armed
  t.equal(fixture.api.events.length, 25)
  fixture.clock.advanceSync(9999)
  t.equal(fixture.clock.pendingTimers, 1)
  await fixture.advanceToNextTimer(1)
  t.equal(fixture.api.events.length, 26)
  await fixture.advanceToNextTimer(10_000)
  t.equal(fixture.api.events.length, 27)
  fixture.clock.advanceSync(10_000)
  await fixture.waitForWritten(28)
})

t.test('after a long pause, at most 25 events are written at once', async t => {
  const fixture = await createFixture(t)
  fixture.clock.advanceSync(24 * 3_600_000)
  const armed = fixture.clock.waitForTimer()
  for (let i = 0; i < 30; i++) fixture.recorder.record(serviceEvent(`${i}`))
  fixture.run()
  await armed
  t.equal(fixture.api.events.length, 25)
})

t.test('when too many events wait, the oldest are dropped, and may be recorded again', async t => {
  const fixture = await createFixture(t)
  for (let i = 0; i < 120; i++) fixture.recorder.record(serviceEvent(`${i}`))
  fixture.recorder.record(serviceEvent('0'))
  const armed = fixture.clock.waitForTimer()
  fixture.run()
  await armed
  t.strictSame(
    fixture.getNotes(),
    Array.from({ length: 25 }, (_, i) => `${i + 21}`),
  )
  t.equal(fixture.log.entries.filter(({ message }) => message === 'Dropped an event').length, 21)
  // 74 of the waiting events, and the one that was recorded again.
  for (let i = 0; i < 74; i++) await fixture.advanceToNextTimer(10_000)
  fixture.clock.advanceSync(10_000)
  await fixture.waitForWritten(100)
  t.equal(fixture.getNotes().at(-1), '0')
})

t.test('a failed event is written again with longer and longer waits, and only changes are logged', async t => {
  const fixture = await createFixture(t)
  fixture.api.injectNext(3, { status: 503 })
  const armed = fixture.clock.waitForTimer()
  fixture.run()
  fixture.recorder.record(serviceEvent('a'))
  await armed
  for (const waitMs of [1000, 2000]) {
    fixture.clock.advanceSync(waitMs - 1)
    t.equal(fixture.clock.pendingTimers, 1, `not before ${waitMs} ms`)
    await fixture.advanceToNextTimer(1)
  }
  const back = fixture.log.waitForEntry()
  fixture.clock.advanceSync(4000)
  t.match(await back, { message: 'Writing events works again' })
  t.equal(fixture.countPosts(), 4)
  t.match(fixture.log.entries, [
    { severity: 'info', message: 'Cannot write events to the API server', fields: { error: /503/ } },
    { severity: 'info' },
  ])
  fixture.recorder.record(serviceEvent('b'))
  await fixture.waitForWritten(2)
  fixture.api.injectNext(1, { status: 503 })
  const next = fixture.log.waitForEntry()
  fixture.recorder.record(serviceEvent('c'))
  t.match(await next, { message: 'Cannot write events to the API server' }, 'the next outage is reported again')
  t.equal(fixture.log.entries.length, 3)
})

t.test('after eight failed attempts an event is dropped, and may be recorded again', async t => {
  const fixture = await createFixture(t)
  await fixture.api.stopListening()
  const armed = fixture.clock.waitForTimer()
  fixture.run()
  fixture.recorder.record(serviceEvent('a'))
  await armed
  for (let attempt = 2; attempt < 8; attempt++) await fixture.advanceToNextTimer(60_000)
  const lost = fixture.log.waitForEntry()
  fixture.clock.advanceSync(60_000)
  t.match(await lost, { message: 'Dropped an event', fields: { note: 'a' } })
  t.equal(fixture.log.entries.length, 2)
  await fixture.api.startListening()
  const back = fixture.log.waitForEntry()
  fixture.recorder.record(serviceEvent('a'))
  t.match(await back, { message: 'Writing events works again', fields: { lost: 1 } })
  t.strictSame(fixture.getNotes(), ['a'])
})

t.test('the recorder waits for the time in Retry-After', async t => {
  const fixture = await createFixture(t)
  fixture.api.injectNext(1, { status: 429, headers: { 'Retry-After': '7' } })
  const armed = fixture.clock.waitForTimer()
  fixture.run()
  fixture.recorder.record(serviceEvent('a'))
  await armed
  fixture.clock.advanceSync(6999)
  t.equal(fixture.clock.pendingTimers, 1)
  fixture.clock.advanceSync(1)
  await fixture.waitForWritten(1)
})

t.test('a forbidden event is sent once, and the problem is logged once', async t => {
  const fixture = await createFixture(t)
  fixture.api.injectNext(3, { status: 403 })
  fixture.run()
  for (const note of ['a', 'b', 'c', 'd']) fixture.recorder.record(serviceEvent(note))
  await fixture.waitForWritten(1)
  t.strictSame(fixture.getNotes(), ['d'])
  t.equal(fixture.countPosts(), 4)
  const reported = fixture.log.entries.filter(({ message }) => message.startsWith('Cannot write events'))
  t.match(reported, [{ fields: { error: /403/, hint: /system:node-proxier/ } }])
  t.equal(reported.length, 1)
})

t.test('status 409 means that an earlier attempt has written the event', async t => {
  const fixture = await createFixture(t)
  fixture.api.injectNext(1, { status: 409 })
  fixture.run()
  fixture.recorder.record(serviceEvent('a'))
  fixture.recorder.record(serviceEvent('b'))
  await fixture.waitForWritten(1)
  fixture.recorder.record(serviceEvent('a'))
  await fixture.stop()
  t.strictSame([fixture.getNotes(), fixture.countPosts(), fixture.log.entries], [['b'], 2, []])
})

t.test('after a stop there is no request and no timer, whatever the recorder was doing', async t => {
  const idle = await createFixture(t)
  idle.run()
  await idle.stop()
  idle.recorder.record(serviceEvent('a'))
  t.equal(idle.countPosts(), 0)

  const silent = createServer()
  const sockets: Socket[] = []
  silent.on('connection', socket => sockets.push(socket.on('error', () => {})))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const unanswered = await createFixture(t, `http://127.0.0.1:${(silent.address() as AddressInfo).port}`)
  const connected = once(silent, 'connection')
  unanswered.run()
  unanswered.recorder.record(serviceEvent('a'))
  await connected
  await once(sockets[0]!, 'data')
  const closed = once(sockets[0]!, 'close')
  await unanswered.stop()
  await closed
  silent.close()
  t.strictSame(unanswered.log.entries, [], 'a stop is not a failure')

  const retrying = await createFixture(t)
  retrying.api.injectNext(1, { status: 500 })
  const armed = retrying.clock.waitForTimer()
  retrying.run()
  retrying.recorder.record(serviceEvent('a'))
  await armed
  await retrying.stop()
  t.equal(retrying.clock.pendingTimers, 0)
  t.equal(retrying.countPosts(), 1)

  const never = await createFixture(t)
  never.recorder.record(serviceEvent('a'))
  await never.stop()
  await never.recorder.run(AbortSignal.abort())
  t.equal(never.countPosts(), 0)
})

t.test('fields that are too long for the server are cut between characters', t => {
  const context = { nodeName: 'n'.repeat(200), at: NOW, uniqueSuffix: '0123456789abcdef' }
  const long = {
    ...serviceEvent('é'.repeat(600)),
    regarding: { ...NODE_EVENT.regarding, name: `${'a'.repeat(235)}-.b` },
  }
  const object = buildEventsV1Object(long, context) as Record<string, string> & { metadata: { name: string } }
  t.equal(object['note'], `${'é'.repeat(510)}...`)
  t.equal(object['reportingInstance']?.length, 128)
  t.equal(object.metadata.name, `${'a'.repeat(235)}.0123456789abcdef`)
  const exact = 'é'.repeat(512)
  t.match(buildCoreV1Object(serviceEvent(exact), context), { message: exact })
  t.end()
})
