import t from 'tap'
import { MinHeap } from '../../lib/primitives/min-heap.js'
import { randomInt, seededRandom, testSeed } from '../support/checks/seeded-random.js'

const seed = testSeed()

t.test(`items come out in the order of their keys, whenever they were added (seed ${seed})`, t => {
  const random = seededRandom(seed)
  for (let run = 0; run < 100; run++) {
    const heap = new MinHeap<{ readonly key: number }>(({ key }) => key)
    let expected: number[] = []
    for (let step = 0; step < 200; step++) {
      if (random() < 0.6) {
        const key = randomInt(random, 50)
        heap.push({ key })
        expected = [...expected, key].sort((a, b) => a - b)
      } else if (heap.pop()?.key !== expected.shift()) return void t.fail(`run ${run}, step ${step}`)
      if (heap.size !== expected.length) return void t.fail(`run ${run}, step ${step}: size`)
    }
  }
  t.end()
})
