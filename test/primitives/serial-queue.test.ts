import t from 'tap'
import { SerialQueue } from '../../lib/primitives/serial-queue.js'
import { settle } from '../support/clock/manual-clock.js'

/** A task that ends when the test says so. */
function createTask(name: string, events: string[]) {
  let end: (error?: Error) => void = () => undefined
  const work = new Promise<string>((resolve, reject) => {
    end = error => (error === undefined ? resolve(name) : reject(error))
  })
  return {
    run: () => {
      events.push(`${name} starts`)
      return work
    },
    end: (error?: Error) => end(error),
  }
}

t.test('tasks run one after the other, in the order of the calls', async t => {
  const queue = new SerialQueue()
  const events: string[] = []
  const [a, b, c] = ['a', 'b', 'c'].map(name => createTask(name, events))
  const results = [a!, b!, c!].map(({ run }) => queue.run(run))
  await settle()
  t.same(events, ['a starts'])
  // The end of a later task changes nothing for the ones before it.
  c!.end()
  a!.end()
  await settle()
  t.same(events, ['a starts', 'b starts'])
  b!.end()
  t.same(await Promise.all(results), ['a', 'b', 'c'])
  t.same(events, ['a starts', 'b starts', 'c starts'])
})

t.test('a task that fails rejects its own caller, and the next one runs', async t => {
  const queue = new SerialQueue()
  const failed = queue.run(() => Promise.reject(new Error('no')))
  const thrown = queue.run(() => {
    throw new Error('never')
  })
  const next = queue.run(() => 'next')
  await t.rejects(failed, { message: 'no' })
  await t.rejects(thrown, { message: 'never' })
  t.equal(await next, 'next')
})

t.test('idle resolves when all tasks so far have ended, also if one fails', async t => {
  const queue = new SerialQueue()
  const events: string[] = []
  await queue.idle()
  const a = createTask('a', events)
  const failed = queue.run(a.run).catch(() => events.push('a fails'))
  const idle = queue.idle().then(() => events.push('idle'))
  await settle()
  t.same(events, ['a starts'])
  a.end(new Error('no'))
  await Promise.all([failed, idle])
  t.same(events.sort(), ['a fails', 'a starts', 'idle'])
})
