import t from 'tap'
import { type Clock } from '../../lib/model/clock.js'
import { ProxyFailure } from '../../lib/model/failure.js'
import { type LogFields } from '../../lib/model/log.js'
import { ApiRefusal, unreachableFailure } from '../../lib/source/api-failure.js'
import { Backoff } from '../../lib/source/backoff.js'
import { ConnectivityLog } from '../../lib/source/connectivity-log.js'
import { LineSplitter } from '../../lib/source/line-splitter.js'
import { pause } from '../../lib/source/pause.js'
import { readObjectList, readWatchLine } from '../../lib/source/watch-event.js'
import { Watchdog } from '../../lib/source/watchdog.js'

/** Time that passes only when it is told to. */
class OrderedManualClock implements Clock {
  #now = 0
  readonly #timers = new Map<object, { readonly at: number; readonly action: () => void }>()

  now(): number {
    return this.#now
  }

  after(ms: number, action: () => void): () => void {
    const key = {}
    this.#timers.set(key, { at: this.#now + ms, action })
    return () => void this.#timers.delete(key)
  }

  get pendingTimers(): number {
    return this.#timers.size
  }

  advance(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at)[0]
      if (due === undefined) break
      this.#timers.delete(due[0])
      this.#now = due[1].at
      due[1].action()
    }
    this.#now = until
  }
}

t.test('waits double from 0.8 s, are jittered, and never exceed the bound', test => {
  const waits = (random: number) => {
    const backoff = new Backoff({ firstMs: 800, maxMs: 30_000, random: () => random })
    return Array.from({ length: 9 }, () => Math.round(backoff.nextDelayMs()))
  }
  test.same(waits(0), [800, 1600, 3200, 6400, 12_800, 15_000, 15_000, 15_000, 15_000])
  test.same(waits(0.5), [1200, 2400, 4800, 9600, 19_200, 22_500, 22_500, 22_500, 22_500])
  test.ok(waits(0.999_999).every(ms => ms <= 30_000))
  test.end()
})

t.test('a reset starts again with the shortest wait, and a free first one is no wait', test => {
  const backoff = new Backoff({ firstMs: 10, maxMs: 1000, random: () => 0, firstIsImmediate: true })
  test.same([backoff.nextDelayMs(), backoff.nextDelayMs(), backoff.nextDelayMs()], [0, 10, 20])
  backoff.reset()
  test.same([backoff.nextDelayMs(), backoff.nextDelayMs()], [0, 10])
  test.end()
})

t.test('lines come out the same however the bytes are cut', test => {
  const text = 'eins\n\nzw€i 😀\r\n  \ndrei\nrest'
  const bytes = Buffer.from(text)
  for (let size = 1; size <= bytes.length; size++) {
    const splitter = new LineSplitter()
    const lines: string[] = []
    for (let at = 0; at < bytes.length; at += size) lines.push(...splitter.push(bytes.subarray(at, at + size)))
    test.same(lines, ['eins', 'zw€i 😀\r', 'drei'], `in pieces of ${size}`)
  }
  test.end()
})

t.test('a line without end is refused before it fills the memory', test => {
  const splitter = new LineSplitter(10)
  test.same(splitter.push(Buffer.from('12345\n1234567')), ['12345'])
  test.throws(() => splitter.push(Buffer.from('89012')), RangeError)
  test.end()
})

t.test('watch lines are understood', test => {
  const object = { metadata: { name: 'a', resourceVersion: '7' } }
  const status = (code: number, reason: string) => ({ kind: 'Status', code, reason, message: 'why' })
  const cases: [line: string | object, wanted: object][] = [
    [
      { type: 'ADDED', object },
      { type: 'put', object, version: '7' },
    ],
    [
      { type: 'MODIFIED', object },
      { type: 'put', object, version: '7' },
    ],
    [
      { type: 'DELETED', object },
      { type: 'remove', object, version: '7' },
    ],
    [
      { type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } },
      { type: 'bookmark', version: '9' },
    ],
    [
      { type: 'ERROR', object: status(410, 'Expired') },
      { type: 'expired', message: 'why' },
    ],
    [
      { type: 'ERROR', object: status(500, 'InternalError') },
      { type: 'error', message: 'why' },
    ],
    [
      { type: 'LATER', object },
      { type: 'unknown', name: 'LATER' },
    ],
    [{ type: 'ADDED' }, { type: 'unreadable' }],
    [{ type: 'ADDED', object: { metadata: { name: 'a' } } }, { type: 'unreadable' }],
    [{ type: 'ADDED', object: { metadata: { resourceVersion: '7' } } }, { type: 'unreadable' }],
    [{ type: 'ADDED', object: { metadata: { name: 'a', resourceVersion: 7 } } }, { type: 'unreadable' }],
    [{ type: 'BOOKMARK', object: {} }, { type: 'unreadable' }],
    [{ type: 'ERROR' }, { type: 'error' }],
    ['null', { type: 'unreadable' }],
    ['17', { type: 'unreadable' }],
    ['[]', { type: 'unreadable' }],
    ['{"type":"ADDED"', { type: 'unreadable' }],
  ]
  for (const [line, wanted] of cases) {
    const text = typeof line === 'string' ? line : JSON.stringify(line)
    test.match(readWatchLine(text), wanted, text)
  }
  test.end()
})

t.test('lists are understood, also the null that Go prints for an empty one', test => {
  const metadata = { resourceVersion: '5' }
  test.same(readObjectList({ metadata, items: [1] }), { items: [1], version: '5' })
  test.same(readObjectList({ metadata, items: null }), { items: [], version: '5' })
  test.same(readObjectList({ metadata }), { items: [], version: '5' })
  for (const wrong of [
    null,
    'text',
    {},
    { items: [] },
    { metadata, items: {} },
    { metadata: { resourceVersion: '' } },
  ]) {
    test.equal(readObjectList(wrong), undefined, JSON.stringify(wrong))
  }
  test.end()
})

t.test('the watchdog barks only after a whole silence', test => {
  const clock = new OrderedManualClock()
  let barks = 0
  const dog = new Watchdog(
    clock,
    () => 100,
    () => barks++,
  )
  clock.advance(60)
  dog.recordActivity()
  clock.advance(60)
  test.equal(barks, 0)
  clock.advance(40)
  test.equal(barks, 1)
  clock.advance(1000)
  test.equal(barks, 1, 'and only once')
  test.end()
})

t.test('the watchdog can be made less patient, and be stopped', test => {
  const clock = new OrderedManualClock()
  let patience = 1000
  let barks = 0
  const dog = new Watchdog(
    clock,
    () => patience,
    () => barks++,
  )
  patience = 50
  dog.rearm()
  clock.advance(50)
  test.equal(barks, 1)
  const stopped = new Watchdog(
    clock,
    () => 10,
    () => barks++,
  )
  stopped.stop()
  clock.advance(100)
  test.equal(barks, 1)
  test.end()
})

t.test('a pause ends with the abort and leaves nothing behind', async test => {
  const clock = new OrderedManualClock()
  const end = new AbortController()
  const paused = pause(clock, 1000, end.signal)
  test.equal(clock.pendingTimers, 1)
  end.abort()
  await paused
  test.equal(clock.pendingTimers, 0)
  await pause(clock, 1000, end.signal)
  test.equal(clock.pendingTimers, 0)
})

t.test('an outage of several resources is one line, and its end another', test => {
  const clock = new OrderedManualClock()
  const { log, lines } = collectingLog()
  const contact = new ConnectivityLog(log, 'https://api', clock)
  const refusedConnection = unreachableFailure(
    { server: 'https://api', path: '/x' },
    Object.assign(new Error('no'), { code: 'ECONNREFUSED' }),
  )
  const reset = unreachableFailure(
    { server: 'https://api', path: '/x' },
    Object.assign(new Error('no'), { code: 'ECONNRESET' }),
  )
  for (let attempt = 0; attempt < 3; attempt++) {
    contact.reportFailure('services', refusedConnection)
    contact.reportFailure('nodes', reset)
    contact.reportFailure('endpoints', refusedConnection)
    clock.advance(20_000)
  }
  test.equal(lines.length, 2, 'one for each reason')
  contact.reportSuccess('services')
  contact.reportSuccess('nodes')
  test.equal(lines.length, 3)
  test.match(lines[2], '"afterSeconds":60')
  contact.reportFailure('services', refusedConnection)
  test.equal(lines.length, 4, 'the next outage is told again')
  test.end()
})

t.test('a refusal is told for each resource, and does not count as an outage', test => {
  const { log, lines } = collectingLog()
  const contact = new ConnectivityLog(log, 'https://api', new OrderedManualClock())
  const refusal = (status: number) =>
    new ApiRefusal({ server: 'https://api', path: '/x' }, { status, headers: {}, body: '', now: 0 })
  for (const resource of ['services', 'nodes', 'services', 'nodes']) contact.reportFailure(resource, refusal(403))
  test.equal(lines.length, 2)
  contact.reportFailure('services', refusal(401))
  contact.reportFailure('services', refusal(403))
  test.equal(lines.length, 3)
  contact.reportSuccess('services')
  contact.reportSuccess('services')
  test.equal(lines.length, 4)
  test.end()
})

t.test('a refusal says what was asked, what came and what to do', test => {
  const body = JSON.stringify({ kind: 'Status', message: 'services is forbidden' })
  const asked = { server: 'https://api', path: '/api/v1/services' }
  const refusal = new ApiRefusal(asked, { status: 403, headers: {}, body, now: 0 })
  test.equal(
    refusal.message,
    'GET /api/v1/services from https://api was answered with 403 (services is forbidden), wanted 200',
  )
  test.match(refusal.hint, 'system:node-proxier')
  const watch = new ApiRefusal(
    { server: 'https://api', path: '/api/v1/nodes?labelSelector=%21x&watch=true&resourceVersion=7' },
    { status: 410, headers: {}, body, now: 0 },
  )
  test.match(watch.message, 'GET /api/v1/nodes?watch=true from https://api was', 'and leaves out what explains nothing')
  test.ok(refusal instanceof ProxyFailure)
  const html = new ApiRefusal(asked, { status: 502, headers: {}, body: '<html>\n<h1>Bad gateway', now: 0 })
  test.match(html.message, '502 (<html> <h1>Bad gateway)')
  test.end()
})

t.test('Retry-After is read as seconds or date, and bounded', test => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  const retryAfter = (value: string) =>
    new ApiRefusal({ server: '', path: '' }, { status: 429, headers: { 'retry-after': value }, body: '', now })
      .retryAfterMs
  test.equal(retryAfter('7'), 7000)
  test.equal(retryAfter('Thu, 01 Jan 2026 00:00:30 GMT'), 30_000)
  test.equal(retryAfter('Wed, 31 Dec 2025 00:00:00 GMT'), 0)
  test.equal(retryAfter('99999999'), 300_000)
  test.equal(retryAfter('soon'), undefined)
  test.end()
})

function collectingLog() {
  const lines: string[] = []
  const add = (message: string, fields?: LogFields) => void lines.push(`${message} ${JSON.stringify(fields)}`)
  return {
    lines,
    log: {
      info: (_level: number, message: string, fields?: LogFields) => add(message, fields),
      warn: add,
      error: (message: string, _error: unknown, fields?: LogFields) => add(message, fields),
      enabled: () => true,
    },
  }
}
