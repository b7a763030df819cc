import t from 'tap'
import { ProcessLiveness, type ProcessProblem } from '../../lib/primitives/process-liveness.js'

type Event = 'started' | 'replied' | 'pinged' | 'exited'

/** Events in order, one second apart; `times` repeats one. Then the expected state. */
interface Row {
  readonly name: string
  readonly events: readonly (Event | readonly [Event, number])[]
  readonly problem: ProcessProblem | undefined
  readonly mustBeReplaced?: boolean
  /** Seconds from the last event to the question. */
  readonly later?: number
}

const TABLE: readonly Row[] = [
  { name: 'a process that has just been started', events: ['started'], problem: undefined },
  { name: 'two pings without reply', events: ['started', 'replied', ['pinged', 2]], problem: undefined },
  { name: 'three pings without reply', events: ['started', 'replied', ['pinged', 3]], problem: 'silent' },
  {
    name: 'five pings without reply',
    events: ['started', 'replied', ['pinged', 5]],
    problem: 'silent',
    mustBeReplaced: true,
  },
  {
    name: 'a silent process, an hour later without another ping: the process that sends them did not run',
    events: ['started', 'replied', ['pinged', 2]],
    later: 3600,
    problem: undefined,
  },
  { name: 'a reply after silence', events: ['started', 'replied', ['pinged', 4], 'replied'], problem: undefined },
  { name: 'a process that is not ready', events: ['started', ['pinged', 3]], problem: 'not-starting' },
  { name: 'a slow start', events: ['started', ['pinged', 14]], problem: 'not-starting' },
  { name: 'a start that hangs', events: ['started', ['pinged', 15]], problem: 'not-starting', mustBeReplaced: true },
  { name: 'an exit of a silent process', events: ['started', 'replied', ['pinged', 5], 'exited'], problem: 'silent' },
  {
    name: 'the process that replaces a silent one, until it replies',
    events: ['started', 'replied', ['pinged', 5], 'exited', 'started', ['pinged', 2]],
    problem: 'silent',
  },
  {
    name: 'one that replaces a silent one and exits',
    events: ['started', 'replied', ['pinged', 5], 'exited', 'started', 'exited', 'started'],
    problem: 'silent',
  },
  {
    name: 'one that replaces a silent one, and replies',
    events: ['started', 'replied', ['pinged', 5], 'exited', 'started', 'replied'],
    problem: undefined,
  },
  {
    name: 'an exit of a process that did not start',
    events: ['started', ['pinged', 15], 'exited', 'started', 'pinged'],
    problem: 'not-starting',
  },
  { name: 'two exits', events: ['started', 'replied', 'exited', 'started', 'exited'], problem: undefined },
  {
    name: 'three exits',
    events: ['started', 'replied', ['exited', 2], 'started', 'replied', 'exited', 'started', 'replied'],
    problem: 'keeps-exiting',
  },
  { name: 'a minute after three exits', events: [['exited', 3], 'started', 'replied'], later: 60, problem: undefined },
  { name: 'many exits', events: [['exited', 30], 'started', 'replied'], later: 50, problem: 'keeps-exiting' },
]

for (const { name, events, problem, mustBeReplaced = false, later = 0 } of TABLE) {
  t.test(name, t => {
    const liveness = new ProcessLiveness()
    let now = 0
    for (const entry of events) {
      const [event, times] = typeof entry === 'string' ? [entry, 1] : entry
      for (let n = 0; n < times; n++) liveness[event]((now += 1000))
    }
    t.equal(liveness.problemAt(now + 1000 * later), problem)
    t.equal(liveness.mustBeReplaced, mustBeReplaced)
    t.end()
  })
}
