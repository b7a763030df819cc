import t from 'tap'
import { nextText } from '../../lib/explain/next-text.js'

const A = '10.244.0.5:80'
const B = '10.244.0.6:80'

for (const [name, next, missing, text] of [
  ['one process has a turn', [{ worker: null, address: A }], [], `. Next is ${A}`],
  [
    'all workers have the same',
    [
      { worker: 0, address: A },
      { worker: 1, address: A },
    ],
    [],
    `. Next is ${A}`,
  ],
  [
    'workers differ',
    [
      { worker: 0, address: A },
      { worker: 1, address: B },
    ],
    [],
    `. Next is ${A} in worker 0, ${B} in worker 1: any of them may accept the client`,
  ],
  [
    'a worker has not replied',
    [{ worker: 0, address: A }],
    [1],
    `. Next is ${A} in worker 0, not known in worker 1: any of them may accept the client`,
  ],
  ['the balancer has no turns', [], [], ''],
  ['no worker has replied', [], [0, 1], ''],
] as const)
  t.test(`whose turn it is if ${name}`, t => {
    t.equal(nextText(next, missing), text)
    t.end()
  })
