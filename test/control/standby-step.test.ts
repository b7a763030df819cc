import t from 'tap'
import { type StandbyFacts, type StandbyStep, standbyStep } from '../../lib/control/standby-step.js'

const NOTHING: StandbyFacts = {
  successor: 'here',
  isNameFree: false,
  isThirdServing: false,
  hasToEnd: false,
  isDrained: false,
  isTimeOver: false,
}

const TABLE: readonly (readonly [string, Partial<StandbyFacts>, StandbyStep])[] = [
  ['while the successor runs, it waits', {}, 'wait'],
  ['also when its last connection has ended: it serves again if the successor ends', { isDrained: true }, 'wait'],
  ['when the successor has ended, it waits for a third one that serves', { successor: 'ended' }, 'wait'],
  ['when no other one serves, it serves again', { successor: 'ended', isNameFree: true }, 'serve again'],
  ['so it does when the successor was killed', { successor: 'lost', isNameFree: true }, 'serve again'],
  ['after SIGTERM, it waits for its connections', { hasToEnd: true }, 'wait'],
  ['after SIGTERM, it ends with the last one', { hasToEnd: true, isDrained: true }, 'end'],
  [
    'after SIGTERM, it leaves the rest to a successor that ended in order',
    { hasToEnd: true, isDrained: true, successor: 'ended', isNameFree: true },
    'end',
  ],
  [
    'after SIGTERM, it waits for its connections also if the successor has ended in order',
    { hasToEnd: true, successor: 'ended', isNameFree: true },
    'wait',
  ],
  [
    'after SIGTERM, it serves again if the successor was lost',
    { hasToEnd: true, successor: 'lost', isNameFree: true },
    'serve again',
  ],
  [
    'so it does without connections',
    { hasToEnd: true, isDrained: true, successor: 'lost', isNameFree: true },
    'serve again',
  ],
  ['but not while a third one prepares', { hasToEnd: true, isDrained: true, successor: 'lost' }, 'wait'],
  ['nor while a third one serves', { hasToEnd: true, successor: 'lost', isThirdServing: true }, 'wait'],
  [
    'when a third one serves, it ends with its last connection',
    { hasToEnd: true, isDrained: true, successor: 'lost', isThirdServing: true },
    'end',
  ],
  [
    'without SIGTERM it stands by behind a third one',
    { isDrained: true, successor: 'lost', isThirdServing: true },
    'wait',
  ],
  [
    'and it is looked up first whether one does',
    { hasToEnd: true, isDrained: true, successor: 'lost', isNameFree: false },
    'wait',
  ],
  [
    'when the time is over, it ends, whatever else is true',
    { hasToEnd: true, successor: 'lost', isNameFree: true, isTimeOver: true },
    'end',
  ],
  ['so it does while the successor runs', { hasToEnd: true, isTimeOver: true }, 'end'],
]

t.test('what a proxy in standby does next', t => {
  for (const [sentence, facts, step] of TABLE) t.equal(standbyStep({ ...NOTHING, ...facts }), step, sentence)
  t.end()
})
