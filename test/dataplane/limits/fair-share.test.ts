import t from 'tap'
import { fairShareAllows, mayTake } from '../../../lib/dataplane/limits/fair-share.js'

for (const [greedy, each, left] of [
  [1, 240, 30],
  [2, 127, 16],
  [3, 87, 9],
  [10, 27, 3],
] as const) {
  t.test(`${greedy} Services that take all they can get of 270 get ${each} each`, t => {
    const held = Array<number>(greedy).fill(0)
    const free = () => 270 - held.reduce((sum, count) => sum + count, 0)
    for (let round = 0; round < 300; round++)
      for (let n = 0; n < greedy; n++) if (fairShareAllows(held[n]!, free())) held[n]!++
    for (const count of held) t.ok(Math.abs(count - each) <= 1, held.join(' '))
    t.ok(Math.abs(free() - left) <= 1, `${free()} are left`)
    t.end()
  })
}

t.test('nothing more is allowed when nothing is free', t => {
  t.equal(fairShareAllows(0, 0), false)
  t.equal(fairShareAllows(0, -3), false)
  t.equal(fairShareAllows(0, 1), true)
  t.end()
})

for (const [taker, giver, expected] of [
  [0, 3, false],
  [0, 4, true],
  [24, 99, false],
  [24, 100, true],
  [100, 100, false],
] as const) {
  t.equal(mayTake(taker, giver), expected, `one with ${taker} may ${expected ? '' : 'not '}take from one with ${giver}`)
}
