import t from 'tap'
import { type StandbyLimits } from '../../lib/control/drain-data-plane.js'
import { aborted } from '../../lib/primitives/aborted.js'
import { DrainingGenerations } from '../../lib/control/draining-generations.js'
import { Shutdown } from '../../lib/control/shutdown.js'
import { ManualClock, settle } from '../support/clock/manual-clock.js'
import { RecordingLog } from '../support/log/recording-log.js'

/** A generation that drains until its last connection ends or its limits say so. */
class Generation {
  readonly connection = new AbortController()
  state: 'serving' | 'draining' | 'ended' = 'serving'

  readonly carriesConnections: boolean

  constructor(carriesConnections = true) {
    this.carriesConnections = carriesConnections
  }

  async drain({ timeIsOver, forceStop }: StandbyLimits): Promise<void> {
    this.state = 'draining'
    await Promise.race([aborted(this.connection.signal), aborted(timeIsOver), aborted(forceStop)])
    this.state = 'ended'
  }
}

function setUp() {
  const clock = new ManualClock()
  const [stop, forceStop] = [new AbortController(), new AbortController()]
  const shutdown = new Shutdown({ stop: stop.signal, forceStop: forceStop.signal, drainTimeout: () => 25_000, clock })
  const log = new RecordingLog()
  const draining = new DrainingGenerations(shutdown, log)
  const add = (count: number): Generation[] => {
    const added = Array.from({ length: count }, () => new Generation())
    for (const generation of added) draining.add(generation)
    return added
  }
  return { clock, stop, forceStop, log, draining, add }
}

const states = (generations: readonly Generation[]) => generations.map(({ state }) => state)

t.test('a generation serves new clients until another one does, and ends with its last connection', async t => {
  const { draining, add } = setUp()
  const [first] = add(1)
  await settle()
  t.equal(first!.state, 'serving')
  draining.announceServed()
  await settle()
  t.equal(first!.state, 'draining')
  first!.connection.abort()
  await draining.whenIdle()
  t.strictSame([first!.state, draining.size], ['ended', 0])
})

t.test('a generation that carries no connections ends at once', async t => {
  const { draining } = setUp()
  const generation = new Generation(false)
  draining.add(generation)
  await settle()
  t.equal(generation.state, 'draining')
})

t.test('however often successors crash, three generations drain at most: the oldest one is cut off', async t => {
  const { draining, add, log } = setUp()
  const all: Generation[] = []
  for (let crash = 0; crash < 10; crash++) {
    all.push(...add(1))
    draining.announceServed()
    await settle()
    t.ok(draining.size <= 3, `after ${crash + 1} crashes`)
  }
  t.strictSame(states(all), [...Array<string>(7).fill('ended'), ...Array<string>(3).fill('draining')])
  t.equal(log.entriesWith('took over and ended too often').length, 7)
})

t.test('the one that still has new clients is not the one that is cut off', async t => {
  const { draining, add } = setUp()
  const [served] = add(1)
  draining.announceServed()
  const others = add(3)
  await settle()
  t.equal(served!.state, 'ended')
  t.strictSame(states(others), ['serving', 'serving', 'serving'])
  const [newest] = add(1)
  await settle()
  t.strictSame(states([...others, newest!]), ['ended', 'serving', 'serving', 'serving'], 'without one, the oldest is')
})

t.test('after a stop, all of them serve until a second before the deadline, and end at the deadline', async t => {
  const { clock, stop, draining, add } = setUp()
  const [one] = add(1)
  stop.abort()
  await clock.advance(23_999)
  t.equal(one!.state, 'serving')
  await clock.advance(1)
  t.equal(one!.state, 'draining')
  await clock.advance(1000)
  t.equal(one!.state, 'ended')
  await t.resolves(draining.whenIdle())
})

t.test('a second signal ends all of them', async t => {
  const { stop, forceStop, draining, add } = setUp()
  add(2)
  stop.abort()
  forceStop.abort()
  await t.resolves(draining.whenIdle())
})
