import { getEventListeners } from 'node:events'
import t from 'tap'
import { aborted, whenAborted } from '../../lib/primitives/aborted.js'

t.test('a signal that many wait for has one listener, and all learn that it is aborted', async t => {
  const controller = new AbortController()
  const waiting = Array.from({ length: 100 }, () => aborted(controller.signal))
  t.equal(getEventListeners(controller.signal, 'abort').length, 1)
  controller.abort()
  t.strictSame(await Promise.all(waiting), Array<undefined>(100).fill(undefined))
  t.equal(await aborted(controller.signal), undefined, 'also one that waits afterwards')
})

t.test('an action runs at the moment of the abort, or at once after it', t => {
  const controller = new AbortController()
  const done: string[] = []
  whenAborted(controller.signal, () => done.push('before'))
  t.strictSame(done, [])
  controller.abort()
  t.strictSame(done, ['before'])
  whenAborted(controller.signal, () => done.push('after'))
  t.strictSame(done, ['before', 'after'])
  t.end()
})
