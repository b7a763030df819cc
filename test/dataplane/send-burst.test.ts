import t from 'tap'
import { SendBurst } from '../../lib/dataplane/send-burst.js'

t.test('what is added in one turn of the event loop is sent at its end, in order', async t => {
  const burst = new SendBurst()
  const sent: number[] = []
  for (const n of [1, 2, 3]) burst.add(() => void sent.push(n))
  t.same(sent, [], 'not at once')
  await new Promise(setImmediate)
  t.same(sent, [1, 2, 3])
  burst.add(() => void sent.push(4))
  await new Promise(setImmediate)
  t.same(sent, [1, 2, 3, 4], 'and so in the next turn')
})

t.test('a flush sends at once, and nothing twice', async t => {
  const burst = new SendBurst()
  const sent: number[] = []
  for (const n of [1, 2]) burst.add(() => void sent.push(n))
  burst.flush()
  t.same(sent, [1, 2])
  burst.add(() => void sent.push(3))
  await new Promise(setImmediate)
  t.same(sent, [1, 2, 3])
})
