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
    ['objects known', 'waiting'],
    ['successor asks', 'standby'],
    ['stop', 'replaced'],
  ],
  waiting: [
    ['our turn', 'entering'],
    ['successor asks', 'standby'],
    ['stop', 'replaced'],
  ],
  entering: [
    ['programmed', 'serving'],
    ['successor asks', 'yielding'],
    ['stop', 'leaving'],
  ],
  serving: [
    ['successor asks', 'yielding'],
    ['stop', 'leaving'],
  ],
  leaving: [
    ['kernel serves', 'draining'],
    ['time is over', 'draining'],
    ['successor asks', 'replaced'],
  ],
  draining: [
    ['successor asks', 'replaced'],
    ['drained', 'ended'],
  ],
  yielding: [
    ['successor serves', 'standby'],
    ['successor gone', 'standby'],
    ['stop', 'replaced'],
  ],
  standby: [['stop', 'replaced']],
  replaced: [['drained', 'ended']],
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

t.test('a proxy is ready only while it serves new clients, and says that it leaves from its stop on', t => {
  for (const state of LIFE_STATES) {
    const { isReady, isLeaving } = dutiesOf(state)
    t.equal(isReady, state === 'serving' || state === 'yielding', state)
    t.equal(isLeaving, ['leaving', 'draining', 'replaced', 'ended'].includes(state), state)
  }
  t.end()
})

t.test('a life cycle keeps its state', t => {
  const life = new LifeCycle()
  t.equal(life.state, 'starting')
  for (const event of ['objects known', 'our turn', 'programmed', 'stop'] as const) life.handle(event)
  t.equal(life.state, 'leaving')
  t.strictSame(life.duties, dutiesOf('leaving'))
  t.end()
})

t.test('a proxy that has given way owns no rules, whatever happens later', t => {
  for (const state of LIFE_STATES) {
    const givenWay = nextState(state, 'successor asks')
    if (givenWay === state) continue
    for (const first of LIFE_EVENTS)
      for (const second of LIFE_EVENTS)
        t.notOk(dutiesOf([first, second].reduce(nextState, givenWay)).ownsRules, `${state}: ${first}, ${second}`)
  }
  t.end()
})

t.test('of two generations at most one owns the rules: the later one waits until the earlier one has given way', t => {
  const [earlier, later] = [new LifeCycle(), new LifeCycle()]
  const steps: readonly (readonly [LifeCycle, LifeEvent])[] = [
    [earlier, 'objects known'],
    [earlier, 'our turn'],
    [earlier, 'programmed'],
    [later, 'objects known'],
    [later, 'programmed'],
    [earlier, 'successor asks'],
    [later, 'our turn'],
    [later, 'programmed'],
    [earlier, 'successor serves'],
    [earlier, 'stop'],
    [earlier, 'drained'],
  ]
  for (const [life, event] of steps) {
    life.handle(event)
    t.notOk(earlier.duties.ownsRules && later.duties.ownsRules, event)
  }
  t.strictSame([earlier.state, later.state], ['ended', 'serving'])
  t.end()
})
