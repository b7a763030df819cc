import t from 'tap'
import { Counted, CountRanking } from '../../lib/primitives/count-ranking.js'
import { randomInt, seededRandom, testSeed } from '../support/checks/seeded-random.js'

class Member extends Counted {
  readonly name: string

  constructor(name: string) {
    super()
    this.name = name
  }
}

t.test('the member with the most is first; of several, the one that was not used for the longest time', t => {
  const ranking = new CountRanking<Member>()
  const [a, b, c] = ['a', 'b', 'c'].map(name => new Member(name)) as [Member, Member, Member]
  const names = () => ranking.top(9).map(({ name }) => name)
  t.equal(ranking.first, undefined)
  for (const member of [a, b, c, b]) ranking.increment(member)
  t.strictSame(names(), ['b', 'a', 'c'])
  ranking.touch(a)
  t.strictSame(names(), ['b', 'c', 'a'])
  ranking.decrement(b)
  t.strictSame(names(), ['c', 'a', 'b'])
  ranking.decrement(c)
  t.strictSame(names(), ['a', 'b'])
  t.strictSame(
    ranking.top(1).map(({ name }) => name),
    ['a'],
  )
  t.end()
})

const seed = testSeed()

t.test(`after any changes the order is the same as that of a sorted list (seed ${seed})`, t => {
  const random = seededRandom(seed)
  for (let run = 0; run < 20; run++) {
    const ranking = new CountRanking<Member>()
    const members = Array.from({ length: 1 + randomInt(random, 12) }, (_, n) => new Member(String(n)))
    const lastMove = new Map<Member, number>()
    for (let step = 0; step < 500; step++) {
      const member = members[randomInt(random, members.length)]!
      const action = random()
      if (action < 0.5) ranking.increment(member)
      else if (member.count === 0) continue
      else if (action < 0.8) ranking.decrement(member)
      else ranking.touch(member)
      lastMove.set(member, step)
      const sorted = members
        .filter(({ count }) => count > 0)
        .sort((a, b) => b.count - a.count || lastMove.get(a)! - lastMove.get(b)!)
      const names = (list: readonly Member[]) => list.map(({ name, count }) => `${name}:${count}`).join(' ')
      if (names(ranking.top(99)) !== names(sorted))
        return void t.fail(`run ${run}, step ${step}: ${names(ranking.top(99))}, not ${names(sorted)}`)
    }
  }
  t.end()
})
