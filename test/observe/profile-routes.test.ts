import { gunzipSync } from 'node:zlib'
import { Profile } from 'pprof-format'
import t, { type Test } from 'tap'
import { HttpListener } from '../../lib/observe/http-listener.js'
import { profileRoutes, type ProfileSource } from '../../lib/observe/profile-routes.js'
import { Profiler } from '../../lib/system/profiler.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { RecordingLog } from '../support/log/recording-log.js'
import { exchange } from './http-exchange.js'

async function serve(t: Test, source: ProfileSource): Promise<string> {
  const listener = new HttpListener({
    name: 'metrics',
    setting: '--metrics-bind-address',
    address: '127.0.0.1:0',
    routes: profileRoutes(source),
    clock: new ManualClock(),
    log: new RecordingLog(),
  })
  t.teardown(() => listener.close())
  await listener.firstBind
  return listener.boundAddress!
}

/** Works until the profile is stopped. */
function burnProcessor(): Promise<void> {
  return new Promise(resolve => {
    const until = performance.now() + 100
    while (performance.now() < until);
    setImmediate(resolve)
  })
}

async function download(address: string, path: string) {
  const response = await fetch(`http://${address}${path}`)
  return Profile.decode(gunzipSync(Buffer.from(await response.arrayBuffer())))
}

t.test('profiles of a process are in the format of pprof', async t => {
  const profiler = await Profiler.start()
  const requests: unknown[] = []
  const address = await serve(t, {
    workers: [],
    take: (worker, request) => {
      requests.push([worker, request])
      return profiler.take(request, burnProcessor)
    },
  })
  const kept = Array.from({ length: 200_000 }, (_, index) => ({ text: `kept ${index}` }))
  const cpu = await download(address, '/debug/pprof/profile?seconds=5')
  const strings = cpu.stringTable.strings
  t.ok(strings.includes('burnProcessor'))
  t.ok(strings.some(text => text.endsWith('profile-routes.test.js')))
  t.ok(cpu.sample.reduce((sum, { value }) => sum + Number(value[1]), 0) > 20_000_000, 'nanoseconds of work')
  const heap = await download(address, '/debug/pprof/heap')
  t.ok(heap.sample.reduce((sum, { value }) => sum + Number(value[0]), 0) > kept.length)
  await download(address, '/debug/pprof/profile')
  t.strictSame(requests, [
    [undefined, { kind: 'cpu', durationMs: 5000 }],
    [undefined, { kind: 'heap' }],
    [undefined, { kind: 'cpu', durationMs: 30_000 }],
  ])
})

t.test('one profile is made at a time, and the next one when its client has left', async t => {
  const started: AbortSignal[] = []
  const address = await serve(t, {
    workers: [],
    take: (_worker, _request, abandoned) => {
      started.push(abandoned)
      return new Promise((_, reject) => abandoned.addEventListener('abort', () => reject(new Error('abandoned'))))
    },
  })
  const leave = new AbortController()
  const first = fetch(`http://${address}/debug/pprof/profile`, { signal: leave.signal })
  while (started.length === 0) await new Promise(setImmediate)
  t.match(await exchange(address, '/debug/pprof/heap'), { status: 503, body: /Another profile is being made/ })
  leave.abort()
  await t.rejects(first)
  while (!started[0]!.aborted) await new Promise(setImmediate)
  const second = new AbortController()
  void fetch(`http://${address}/debug/pprof/heap`, { signal: second.signal }).catch(() => undefined)
  while (started.length === 1) await new Promise(setImmediate)
  second.abort()
})

t.test('the profile of a worker is asked for by its number, and the index lists them', async t => {
  const asked: (number | undefined)[] = []
  const address = await serve(t, {
    workers: [0, 1],
    take: worker => {
      asked.push(worker)
      return Promise.reject(new Error('it has just exited'))
    },
  })
  const index = await exchange(address, '/debug/pprof/')
  t.match(index, { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } })
  t.match(index.body, 'href="profile?seconds=30&amp;worker=1"')
  t.match(index.body, 'href="heap"')
  t.match(await exchange(address, '/debug/pprof/heap?worker=1'), { status: 500, body: /it has just exited/ })
  t.strictSame(asked, [1])
  for (const worker of ['2', '-1', 'x', ''])
    t.match(await exchange(address, `/debug/pprof/heap?worker=${worker}`), { status: 404, body: /\[0, 1\]/ }, worker)
  for (const seconds of ['0', '121', '-5', '1.5', 'x', ''])
    t.match(
      await exchange(address, `/debug/pprof/profile?seconds=${seconds}`),
      { status: 400, body: /from 1 to 120/ },
      seconds,
    )
  t.equal(asked.length, 1)
})
