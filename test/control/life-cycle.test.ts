import t from 'tap'
import {
  LIFE_EVENTS,
  LIFE_STATES,
  LifeCycle,
  type LifeEvent,
  type LifeState,
  dutiesOf,
  nextState,
} from '../../lib/control/life-cycle.js'

/** Every transition. An event that a state does not list changes nothing. */
const TABLE: Readonly<Record<LifeState, readonly (readonly [LifeEvent, LifeState])[]>> = {
  starting: [
    ['programmed', 'serving'],
    ['stop', 'leaving'],
  ],
  serving: [['stop', 'leaving']],
  leaving: [
    ['kernel serves', 'draining'],
    ['time is over', 'draining'],
  ],
  draining: [['drained', 'ended']],
  ended: [],
}

t.test('each event leads from each state to the listed state, or changes nothing', t => {
  for (const state of LIFE_STATES)
    for (const event of LIFE_EVENTS) {
      const expected = TABLE[state].find(([listed]) => listed === event)?.[1] ?? state
      t.equal(nextState(state, event), expected, `${state}: ${event}`)
    }
  t.end()
})

t.test('from each state, a stop and its consequences lead to the end', t => {
  for (const state of LIFE_STATES) {
    const end = (['stop', 'kernel serves', 'time is over', 'drained'] as const).reduce(nextState, state)
    t.equal(end, 'ended', state)
  }
  t.end()
})

t.test('a proxy is ready only while it serves, and says so from its stop on', t => {
  for (const state of LIFE_STATES) {
    const { isReady, isLeaving } = dutiesOf(state)
    t.equal(isReady, state === 'serving', state)
    t.equal(isLeaving, ['leaving', 'draining', 'ended'].includes(state), state)
  }
  t.end()
})

t.test('a life cycle keeps its state', t => {
  const life = new LifeCycle()
  t.equal(life.state, 'starting')
  life.handle('programmed')
  life.handle('stop')
  t.equal(life.state, 'leaving')
  t.strictSame(life.duties, dutiesOf('leaving'))
  t.end()
})
