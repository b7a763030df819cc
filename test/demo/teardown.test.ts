import { once } from 'node:events'
import t from 'tap'
import { Teardown, settleAll } from '../../lib/demo/teardown.js'

t.test('actions run one at a time, the last one first, and one that fails does not stop the others', async t => {
  const teardown = new Teardown()
  const events: string[] = []
  const add = (name: string, isFaulty = false) =>
    teardown.add(async () => {
      events.push(`${name} begins`)
      await Promise.resolve()
      if (isFaulty) throw new Error(name)
      events.push(`${name} ends`)
    })
  await add('first')
  await add('second', true)
  await add('third')
  await teardown.run()
  t.strictSame(events, ['third begins', 'third ends', 'second begins', 'first begins', 'first ends'])
  await teardown.run()
  t.equal(events.length, 5, 'no action runs twice')
})

t.test('an action that was taken back does not run', async t => {
  const teardown = new Teardown()
  const events: string[] = []
  const first = () => events.push('first')
  const second = () => events.push('second')
  await teardown.add(first)
  await teardown.add(second)
  teardown.remove(first)
  teardown.remove(first)
  await teardown.run()
  t.strictSame(events, ['second'])
})

t.test('each caller waits for the actions that another caller has started', async t => {
  const teardown = new Teardown()
  const gate = new EventTarget()
  let isDone = false
  await teardown.add(async () => {
    await once(gate, 'open')
    isDone = true
  })
  const first = teardown.run()
  const second = teardown.run().then(() => isDone)
  await new Promise(resolve => setImmediate(resolve))
  gate.dispatchEvent(new Event('open'))
  t.equal(await second, true)
  await first
})

t.test('an action that comes after the end runs at once, and its caller stops', async t => {
  const teardown = new Teardown()
  await teardown.run()
  const events: string[] = []
  await t.rejects(
    teardown.add(() => events.push('late')),
    /interrupted/,
  )
  t.strictSame(events, ['late'])
})

t.test('settleAll rejects only after all work has ended', async t => {
  let isDone = false
  const slow = new Promise(resolve => setImmediate(resolve)).then(() => (isDone = true))
  await t.rejects(settleAll([Promise.reject(new Error('fast')), slow]), { message: 'fast' })
  t.equal(isDone, true)
})
