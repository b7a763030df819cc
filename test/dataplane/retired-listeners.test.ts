import t from 'tap'
import { type Listener } from '../../lib/dataplane/listener.js'
import { RetiredListeners } from '../../lib/dataplane/retired-listeners.js'
import { until } from '../support/plane-under-test.js'

/** As much of a listener as matters once it is closed: something keeps it, or nothing does. */
function retired(connections: number): Listener & { connections: number; cuts: number } {
  const listener = {
    connections,
    cuts: 0,
    busy: () => listener.connections,
    cutOff: () => {
      listener.cuts++
      return listener.connections
    },
  }
  return listener as unknown as Listener & typeof listener
}

t.test('one that nothing keeps is let go at once, others when their connections have ended', t => {
  const listeners = new RetiredListeners()
  const [idle, busy] = [retired(0), retired(1)]
  listeners.add(idle)
  listeners.add(busy)
  t.same([...listeners], [busy])
  t.same([idle.cuts, busy.cuts], [1, 0])
  busy.connections = 0
  listeners.forgetIdle()
  t.same([...listeners], [])
  t.end()
})

t.test('it is quiet when the last connection ends', async t => {
  const listeners = new RetiredListeners()
  const busy = [retired(1), retired(1)]
  for (const listener of busy) listeners.add(listener)
  let isQuiet = false
  const quiet = listeners.quiet(60_000).then(() => (isQuiet = true))
  busy[0]!.connections = 0
  listeners.noteEnd()
  await new Promise(setImmediate)
  t.equal(isQuiet, false, 'one is left')
  busy[1]!.connections = 0
  listeners.noteEnd()
  await quiet
})

t.test('it is quiet, too, when what kept a listener has passed by itself', async t => {
  const listeners = new RetiredListeners()
  const flows = retired(1)
  listeners.add(flows)
  let isQuiet = false
  void listeners.quiet(60_000).then(() => (isQuiet = true))
  flows.connections = 0
  await until(() => isQuiet, 'nobody had to tell')
  t.pass()
})

t.test('after the time-out nobody is waited for, and what is left is cut off and counted', async t => {
  const listeners = new RetiredListeners()
  listeners.add(retired(2))
  listeners.add(retired(3))
  await listeners.quiet(1)
  t.equal(listeners.cutOff(), 5)
  t.same([...listeners], [])
})
