import t from 'tap'
import { TokenBucket } from '../../lib/primitives/token-bucket.js'

/** At a time in milliseconds: what `tryTake` or `wait` returns, or a token taken in any case. */
type Step = readonly [at: number, call: 'tryTake' | 'wait', result: number] | readonly [at: number, call: 'take']

/** Refill times are powers of two, so that parts of a token are exact numbers. */
const TABLE: readonly {
  readonly name: string
  readonly burst: number
  readonly refillMs: number
  readonly steps: readonly Step[]
}[] = [
  {
    name: 'a full bucket gives the whole burst at once, and then makes callers wait',
    burst: 2,
    refillMs: 128,
    steps: [
      [0, 'tryTake', 0],
      [0, 'tryTake', 0],
      [0, 'tryTake', 128],
    ],
  },
  {
    name: 'one token comes back per refill time',
    burst: 1,
    refillMs: 128,
    steps: [
      [0, 'tryTake', 0],
      [127, 'tryTake', 1],
      [128, 'tryTake', 0],
      [192, 'tryTake', 64],
      [256, 'tryTake', 0],
    ],
  },
  {
    name: 'a failed attempt takes nothing',
    burst: 1,
    refillMs: 128,
    steps: [
      [0, 'tryTake', 0],
      [32, 'tryTake', 96],
      [64, 'tryTake', 64],
      [128, 'tryTake', 0],
    ],
  },
  {
    name: 'a long pause gives no more than the burst',
    burst: 2,
    refillMs: 128,
    steps: [
      [0, 'tryTake', 0],
      [1_000_000, 'tryTake', 0],
      [1_000_000, 'tryTake', 0],
      [1_000_000, 'tryTake', 128],
    ],
  },
  {
    name: 'a token that is taken in any case makes the next wait longer',
    burst: 1,
    refillMs: 128,
    steps: [
      [0, 'take'],
      [0, 'take'],
      [0, 'wait', 256],
      [192, 'wait', 64],
      [256, 'wait', 0],
    ],
  },
  {
    name: 'part of a token is not enough, and the wait is rounded up only by tryTake',
    burst: 1,
    refillMs: 16,
    steps: [
      [0, 'take'],
      [4.5, 'wait', 11.5],
      [4.5, 'tryTake', 12],
      [16, 'tryTake', 0],
    ],
  },
  {
    name: 'without a refill time there is no limit',
    burst: 1,
    refillMs: 0,
    steps: [
      [0, 'tryTake', 0],
      [0, 'tryTake', 0],
      [0, 'take'],
      [0, 'wait', 0],
    ],
  },
]

for (const { name, burst, refillMs, steps } of TABLE) {
  t.test(name, t => {
    const bucket = new TokenBucket({ burst, refillMs })
    for (const [at, call, result] of steps)
      if (call === 'take') bucket.take(at)
      else t.equal(bucket[call](at), result, `${call} at ${at}`)
    t.end()
  })
}
