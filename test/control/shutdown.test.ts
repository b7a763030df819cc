import t from 'tap'
import { Shutdown } from '../../lib/control/shutdown.js'
import { ManualClock } from '../support/clock/manual-clock.js'

function setUp() {
  const clock = new ManualClock()
  const [stop, forceStop] = [new AbortController(), new AbortController()]
  const create = () =>
    new Shutdown({ stop: stop.signal, forceStop: forceStop.signal, drainTimeout: () => 25_000, clock })
  const phase = ({ lastClients, isOver }: Shutdown) => [lastClients.aborted, isOver.aborted]
  return { clock, stop, forceStop, create, phase }
}

t.test('a stop sets one deadline: new clients are served until a second before it', async t => {
  const { clock, stop, create, phase } = setUp()
  const shutdown = create()
  await clock.advance(100_000)
  t.equal(shutdown.deadline, Infinity)
  stop.abort()
  shutdown.begin()
  t.equal(shutdown.deadline, 125_000)
  await clock.advance(10_000)
  shutdown.begin()
  t.equal(shutdown.deadline, 125_000, 'a later reason does not move it')
  await clock.advance(13_999)
  t.strictSame(phase(shutdown), [false, false])
  await clock.advance(1)
  t.strictSame(phase(shutdown), [true, false])
  await clock.advance(1000)
  t.strictSame(phase(shutdown), [true, true])
})

t.test('a second signal ends both times at once, also one that came before', t => {
  const { forceStop, create, phase } = setUp()
  const shutdown = create()
  forceStop.abort()
  t.strictSame(
    [phase(shutdown), phase(create())],
    [
      [true, true],
      [true, true],
    ],
  )
  t.end()
})

t.test('a stop that came before counts from the start', t => {
  const { stop, create } = setUp()
  stop.abort()
  t.equal(create().deadline, 25_000)
  t.end()
})

t.test('nothing of it is left when it has ended', t => {
  const { clock, create } = setUp()
  const shutdown = create()
  shutdown.begin()
  t.ok(clock.pendingTimers > 0)
  shutdown.end()
  t.equal(clock.pendingTimers, 0)
  t.end()
})
