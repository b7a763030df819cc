import t from 'tap'
import { type Listener } from '../../lib/dataplane/listener.js'
import { DrainingListeners } from '../../lib/dataplane/draining-listeners.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'

/** The parts of a listener that matter after it closed. */
class ClosedListener {
  connections: number
  aborts = 0

  constructor(connections: number) {
    this.connections = connections
  }

  countBusy(): number {
    return this.connections
  }

  abortConnections(): number {
    this.aborts++
    return this.connections
  }
}

function closedListener(connections: number): ClosedListener & Listener {
  return new ClosedListener(connections) as ClosedListener & Listener
}

t.test('one that nothing keeps is let go at once, others when their connections have ended', t => {
  const listeners = new DrainingListeners()
  const [idle, busy] = [closedListener(0), closedListener(1)]
  listeners.add(idle)
  listeners.add(busy)
  t.same([...listeners], [busy])
  t.same([idle.aborts, busy.aborts], [1, 0])
  busy.connections = 0
  listeners.removeIdle()
  t.same([...listeners], [])
  t.end()
})

t.test('it is quiet when the last connection ends', async t => {
  const listeners = new DrainingListeners()
  const busy = [closedListener(1), closedListener(1)]
  for (const listener of busy) listeners.add(listener)
  let isQuiet = false
  const quiet = listeners.waitUntilIdle(60_000).then(() => (isQuiet = true))
  busy[0]!.connections = 0
  listeners.notifyConnectionEnd()
  await new Promise(setImmediate)
  t.equal(isQuiet, false, 'one is left')
  busy[1]!.connections = 0
  listeners.notifyConnectionEnd()
  await quiet
})

t.test('it is quiet, too, when what kept a listener has passed by itself', async t => {
  const listeners = new DrainingListeners()
  const flows = closedListener(1)
  listeners.add(flows)
  let isQuiet = false
  void listeners.waitUntilIdle(60_000).then(() => (isQuiet = true))
  flows.connections = 0
  await waitUntil(() => isQuiet, 'nobody had to tell')
  t.pass()
})

t.test('after the time-out nobody is waited for, and what is left is cut off and counted', async t => {
  const listeners = new DrainingListeners()
  listeners.add(closedListener(2))
  listeners.add(closedListener(3))
  await listeners.waitUntilIdle(1)
  t.equal(listeners.abortConnections(), 5)
  t.same([...listeners], [])
})
