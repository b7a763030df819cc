import t from 'tap'
import { DrainingListeners } from '../../lib/dataplane/draining-listeners.js'
import { type Listener } from '../../lib/dataplane/listener.js'
import { ManualClock, settle } from '../support/clock/manual-clock.js'

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

/** Starts to wait; the returned function says whether the wait is over. */
function startWaiting(listeners: DrainingListeners, timeoutMs: number): () => boolean {
  let isOver = false
  void listeners.waitUntilIdle(timeoutMs).then(() => (isOver = true))
  return () => isOver
}

t.test('an idle listener is removed at once, a busy one when its connections have ended', t => {
  const listeners = new DrainingListeners(new ManualClock())
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

t.test('a drain ends as soon as the last connection has ended', async t => {
  const clock = new ManualClock()
  const listeners = new DrainingListeners(clock)
  const busy = [closedListener(1), closedListener(1)]
  for (const listener of busy) listeners.add(listener)
  const isOver = startWaiting(listeners, 60_000)
  busy[0]!.connections = 0
  listeners.notifyConnectionEnd()
  await settle()
  t.equal(isOver(), false, 'one is left')
  busy[1]!.connections = 0
  listeners.notifyConnectionEnd()
  await settle()
  t.equal(isOver(), true)
  t.equal(clock.pendingTimers, 0)
})

t.test('a drain ends when a listener stops being busy just because time passes', async t => {
  const clock = new ManualClock()
  const listeners = new DrainingListeners(clock)
  const flows = closedListener(1)
  listeners.add(flows)
  const isOver = startWaiting(listeners, 60_000)
  await clock.advance(500)
  t.equal(isOver(), false)
  flows.connections = 0
  await clock.advance(100)
  t.equal(isOver(), true)
})

t.test('after its timeout a drain ends, and the open connections are aborted and counted', async t => {
  const clock = new ManualClock()
  const listeners = new DrainingListeners(clock)
  listeners.add(closedListener(2))
  listeners.add(closedListener(3))
  const isOver = startWaiting(listeners, 1000)
  await clock.advance(999)
  t.equal(isOver(), false)
  await clock.advance(1)
  t.equal(isOver(), true)
  t.equal(clock.pendingTimers, 0)
  t.equal(listeners.abortConnections(), 5)
  t.same([...listeners], [])
})

t.test('a drain with a timeout of 0 does not wait', async t => {
  const listeners = new DrainingListeners(new ManualClock())
  listeners.add(closedListener(1))
  await listeners.waitUntilIdle(0)
  t.equal(listeners.abortConnections(), 1)
})
