import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { ANSWER_BURST_MS, ANSWER_SHARE, AnswerPace, MAX_ANSWER_WAIT_MS } from '../../lib/status/answer-pace.js'
import { SMALL_ANSWERS } from '../../lib/status/small-answer-turns.js'
import { type StatusRoute } from '../../lib/status/status-responder.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { askStatus } from '../support/status/ask-status.js'
import { serveStatus } from '../support/status/served-status.js'

/** A process in which a test decides what an answer costs. */
function makeProcess() {
  const clock = new ManualClock()
  let used = 0
  const pace = new AnswerPace({ clock, cpuMs: () => used })
  let made = 0
  const work = (costMs: number): void => void (used += costMs)
  const answer = async (costMs: number): Promise<number> => {
    await pace.turn()
    return pace.count(() => {
      work(costMs)
      return Promise.resolve(++made)
    })
  }
  /** Lets what waits for promises run. */
  const settle = () => new Promise<void>(resolve => setImmediate(resolve))
  return { clock, pace, work, answer, settle, made: () => made }
}

t.test('answers come at once until they have used what they may at once', async t => {
  const { answer } = makeProcess()
  for (let count = 1; count <= 10; count++) t.equal(await answer(ANSWER_BURST_MS / 10), count)
})

t.test('after that, one waits until the share of the time makes up for the earlier ones', async t => {
  const { clock, answer, settle, made } = makeProcess()
  await answer(ANSWER_BURST_MS + 100)
  const next = answer(0)
  const waitMs = 100 / ANSWER_SHARE
  await clock.advance(waitMs - 1)
  await settle()
  t.equal(made(), 1)
  await clock.advance(1)
  t.equal(await next, 2)
})

t.test('clients that ask in a loop get the share in the long run, however many they are', async t => {
  const { clock, answer, settle, made } = makeProcess()
  let isOver = false
  const loops = [1, 2, 3].map(async () => {
    while (!isOver) {
      await answer(50)
      await settle()
    }
  })
  const seconds = 100
  for (let ms = 0; ms < seconds * 1000; ms += 50) {
    await clock.advance(50)
    await settle()
  }
  const usedMs = made() * 50
  const allowedMs = seconds * 1000 * ANSWER_SHARE + ANSWER_BURST_MS
  t.ok(usedMs <= allowedMs + 3 * 50, `${usedMs} ms used, ${allowedMs} ms allowed`)
  t.ok(usedMs > 0.9 * allowedMs, 'and they do get it')
  isOver = true
  await clock.advance(10_000)
  await Promise.all(loops)
})

t.test('an answer that fails counts as well', async t => {
  const { clock, pace, work, answer, settle, made } = makeProcess()
  const failing = pace.count(() => {
    work(2 * ANSWER_BURST_MS)
    return Promise.reject(new Error('broken on purpose'))
  })
  await t.rejects(failing, /broken on purpose/)
  const next = answer(0)
  await settle()
  t.equal(made(), 0)
  await clock.advance(ANSWER_BURST_MS / ANSWER_SHARE)
  t.equal(await next, 1)
})

t.test('what is used while several answers are made counts once', async t => {
  const { clock, pace, work, answer, settle, made } = makeProcess()
  const ends: (() => void)[] = []
  const running = [1, 2, 3].map(() => pace.count(() => new Promise<void>(resolve => ends.push(resolve))))
  work(ANSWER_BURST_MS + 100)
  for (const end of ends) end()
  await Promise.all(running)
  const next = answer(0)
  const waitMs = 100 / ANSWER_SHARE
  await clock.advance(waitMs - 1)
  await settle()
  t.equal(made(), 0)
  await clock.advance(1)
  t.equal(await next, 1)
})

t.test('an answer that is still made counts already', async t => {
  const { clock, pace, work, answer, settle, made } = makeProcess()
  let end = (): void => undefined
  const running = pace.count(() => new Promise<void>(resolve => (end = resolve)))
  work(2 * ANSWER_BURST_MS)
  const next = answer(0)
  await settle()
  t.equal(made(), 0)
  await clock.advance(ANSWER_BURST_MS / ANSWER_SHARE)
  t.equal(await next, 1)
  end()
  await running
})

t.test('no answer waits longer than clients do, whatever else the process has done', async t => {
  const { clock, pace, work, answer } = makeProcess()
  await pace.count(() => Promise.resolve(work(1_000_000)))
  const next = answer(0)
  await clock.advance(MAX_ANSWER_WAIT_MS)
  t.equal(await next, 1)
})

/** A server whose lists cost two bursts each, and end when the test says so. */
function serveCostly(t: Test) {
  const clock = new ManualClock()
  let used = 0
  const made: string[] = []
  const ends: (() => void)[] = []
  const costly = (name: string) => async (): Promise<object> => {
    used += 2 * ANSWER_BURST_MS
    made.push(name)
    await new Promise<void>(resolve => ends.push(resolve))
    return { kind: 'List', items: [] }
  }
  const { path, server } = serveStatus(t, {
    clock,
    pace: new AnswerPace({ clock, cpuMs: () => used }),
    routes: new Map<string, StatusRoute>([
      ['rules', costly('rules')],
      ['explain', costly('explain')],
      ['', () => ({ kind: 'Overview' })],
    ]),
  })
  const begun = async (count: number): Promise<void> => {
    while (made.length < count) await new Promise<void>(resolve => setImmediate(resolve))
  }
  return { clock, path, server, made, begun, end: () => ends.shift()!() }
}

t.test('costly answers of all large kinds wait, and small ones do not wait while one is made', async t => {
  const { clock, path, server, made, begun, end } = serveCostly(t)
  await server.bound
  const first = askStatus(path, '/v1/rules')
  await begun(1)
  t.match(await askStatus(path, '/v1'), { status: 200 })
  end()
  t.match(await first, { status: 200 })
  const next = askStatus(path, '/v1/explain')
  for (let count = 0; count < 10; count++) t.match(await askStatus(path, '/v1'), { status: 200 })
  t.strictSame(made, ['rules'])
  await clock.advance(ANSWER_BURST_MS / ANSWER_SHARE)
  await begun(2)
  end()
  t.match(await next, { status: 200 })
  t.strictSame(made, ['rules', 'explain'])
})

t.test('an answer for which its client no longer waits is not made when its turn comes', async t => {
  const { clock, path, server, made, begun, end } = serveCostly(t)
  await server.bound
  const first = askStatus(path, '/v1/rules')
  await begun(1)
  end()
  await first
  const client = connect(path)
  client.write('GET /v1/explain HTTP/1.1\r\nHost: x\r\n\r\n')
  // An answer on another connection shows that the server has read what was sent before.
  await once(client, 'connect')
  t.match(await askStatus(path, '/v1'), { status: 200 })
  const left = once(client, 'close')
  client.destroy()
  await left
  t.match(await askStatus(path, '/v1'), { status: 200 })
  const next = askStatus(path, '/v1/rules')
  await clock.advance(ANSWER_BURST_MS / ANSWER_SHARE)
  await begun(2)
  end()
  t.match(await next, { status: 200 })
  t.strictSame(made, ['rules', 'rules'])
})

t.test('small answers are bounded too', async t => {
  const { clock, path, server } = serveCostly(t)
  await server.bound
  for (let count = 0; count < SMALL_ANSWERS.burst; count++) await askStatus(path, '/v1')
  let isAnswered = false
  const next = askStatus(path, '/v1').then(answer => {
    isAnswered = true
    return answer
  })
  t.match(await askStatus(path, '/v2'), { status: 404 }, 'what needs no answer of a route does not wait')
  t.equal(isAnswered, false)
  await clock.advance(SMALL_ANSWERS.refillMs)
  t.match(await next, { status: 200 })
})
