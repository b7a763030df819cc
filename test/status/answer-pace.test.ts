import t from 'tap'
import { ANSWER_BURST_MS, ANSWER_SHARE, AnswerPace } from '../../lib/status/answer-pace.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { askStatus } from '../support/status/ask-status.js'
import { serveStatus } from '../support/status/served-status.js'

/** A process in which a test decides what an answer costs. */
function makeProcess() {
  const clock = new ManualClock()
  let used = 0
  const pace = new AnswerPace({ clock, cpuMs: () => used })
  let made = 0
  const answer = (costMs: number): Promise<number> =>
    pace.run(() => {
      used += costMs
      return Promise.resolve(++made)
    })
  /** Lets what waits for promises run. */
  const settle = () => new Promise<void>(resolve => setImmediate(resolve))
  return { clock, answer, settle, made: () => made }
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
  const clock = new ManualClock()
  let used = 0
  const pace = new AnswerPace({ clock, cpuMs: () => used })
  const failing = pace.run(() => {
    used += 2 * ANSWER_BURST_MS
    return Promise.reject(new Error('broken on purpose'))
  })
  await t.rejects(failing, /broken on purpose/)
  let isMade = false
  const next = pace.run(() => Promise.resolve((isMade = true)))
  await new Promise(setImmediate)
  t.equal(isMade, false)
  await clock.advance(ANSWER_BURST_MS / ANSWER_SHARE)
  t.equal(await next, true)
})

t.test('costly answers of all large kinds wait, and small ones do not wait for them', async t => {
  const clock = new ManualClock()
  let used = 0
  const made: string[] = []
  const costly = (name: string) => (): object => {
    used += 2 * ANSWER_BURST_MS
    made.push(name)
    return { kind: 'List', items: [] }
  }
  const { path, server } = serveStatus(t, {
    pace: { clock, cpuMs: () => used },
    routes: new Map([
      ['rules', costly('rules')],
      ['explain', costly('explain')],
      ['', () => ({ kind: 'Overview' })],
    ]),
  })
  await server.bound
  await askStatus(path, '/v1/rules')
  const next = askStatus(path, '/v1/explain')
  t.match(await askStatus(path, '/v1'), { status: 200 })
  t.strictSame(made, ['rules'])
  await clock.advance(2 * (ANSWER_BURST_MS / ANSWER_SHARE))
  t.match(await next, { status: 200 })
  t.strictSame(made, ['rules', 'explain'])
})
