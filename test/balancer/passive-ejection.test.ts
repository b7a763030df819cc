import t from 'tap'
import { type BalancedEndpoint, EndpointCache } from '../../lib/balancer/balanced-endpoint.js'
import { ClientIpAffinity } from '../../lib/balancer/client-ip-affinity.js'
import { LeastConnections } from '../../lib/balancer/least-connections.js'
import { PassiveEjection } from '../../lib/balancer/passive-ejection.js'
import { RandomTwoChoices } from '../../lib/balancer/random-two-choices.js'
import { RoundRobin } from '../../lib/balancer/round-robin.js'
import { seededRandom } from '../support/checks/seeded-random.js'
import { avoidKeys } from '../support/dataplane/avoid-keys.js'

const target = (n: number) => ({ ip: `10.244.0.${n}`, port: 80 })
const key = (n: number) => `10.244.0.${n}:80`

/** Endpoints by number; one that fails is ejected for 1 s, then 2, 4, and 5 s from then on. */
function createEjection(...numbers: readonly number[]) {
  const balancer = new PassiveEjection(new RoundRobin(0), { initial: 1000, max: 5000 })
  const book = new EndpointCache()
  let endpoints: readonly BalancedEndpoint[] = []
  const list = (...numbers: readonly number[]) => balancer.replace((endpoints = book.replace(numbers.map(target))))
  list(...numbers)
  return {
    balancer,
    list,
    endpoint: (n: number) => endpoints.find(endpoint => endpoint.key === key(n))!,
    pick: (now: number, ...avoid: string[]) =>
      balancer
        .pick('c', now, avoidKeys(...avoid))
        ?.ip.split('.')
        .at(-1),
    fail: (n: number, now: number) =>
      balancer.recordFailure(
        endpoints.find(endpoint => endpoint.key === key(n))!,
        now,
      ),
  }
}

t.test('an endpoint that fails is ejected until its time is over', t => {
  const { fail, pick } = createEjection(1, 2, 3)
  fail(1, 0)
  t.strictSame(
    [0, 1, 2, 999].map(now => pick(now)),
    ['2', '3', '2', '3'],
  )
  t.equal(pick(1000), '1')
  t.end()
})

t.test('an endpoint that fails again is ejected for twice the time, up to a maximum', t => {
  const { fail, balancer } = createEjection(1, 2)
  let now = 0
  for (const ms of [1000, 2000, 4000, 5000, 5000, 5000]) {
    fail(1, now)
    t.equal(balancer.countEjected(now + ms - 1), 1, `still out after ${ms - 1} ms`)
    t.equal(balancer.countEjected(now + ms), 0, `back after ${ms} ms`)
    now += ms + 100
  }
  t.end()
})

t.test('failures of many clients at the same time count as one', t => {
  const { fail, balancer } = createEjection(1, 2)
  for (let client = 0; client < 100; client++) fail(1, client)
  t.equal(balancer.ejections, 1)
  t.equal(balancer.countEjected(999), 1)
  t.equal(balancer.countEjected(1000), 0, 'the time began with the first failure')
  t.end()
})

t.test('a success ends an ejection at once, and the next one is the shortest again', t => {
  const { fail, endpoint, balancer } = createEjection(1, 2)
  fail(1, 0)
  fail(1, 1000)
  t.equal(balancer.countEjected(1000), 1)
  balancer.recordSuccess(endpoint(1))
  t.equal(balancer.countEjected(1000), 0)
  fail(1, 1001)
  t.equal(balancer.countEjected(2000), 1)
  t.equal(balancer.countEjected(2001), 0)
  t.end()
})

t.test('when all endpoints have failed, none is ejected', t => {
  const { fail, pick, balancer, endpoint } = createEjection(1, 2)
  fail(1, 0)
  fail(2, 0)
  t.strictSame(
    [1, 2, 3].map(now => pick(now)),
    ['1', '2', '1'],
  )
  t.equal(balancer.countEjected(3), 0, 'and none is counted')
  t.equal(pick(4, key(2)), '1', 'but the endpoint that failed for this client still comes last')
  t.equal(pick(5, key(1)), '2')
  balancer.recordSuccess(endpoint(2))
  t.strictSame([pick(6), pick(7)], ['2', '2'], 'once one is reached again, the other is ejected')
  t.equal(balancer.countEjected(8), 1)
  t.end()
})

t.test('the only endpoint is never ejected', t => {
  const { fail, pick, balancer } = createEjection(1)
  fail(1, 0)
  t.equal(pick(1), '1')
  t.equal(balancer.countEjected(1), 0)
  t.equal(balancer.ejections, 0)
  t.end()
})

t.test('a retry avoids ejected endpoints too, besides those that failed for its client', t => {
  const { fail, pick } = createEjection(1, 2, 3)
  fail(1, 0)
  t.equal(pick(1, key(2)), '3')
  t.equal(pick(2, key(2), key(3)), '1', 'but an ejected endpoint comes before one that just failed')
  t.end()
})

t.test('an endpoint that stays keeps its ejection, one that left and came back has none', t => {
  const { fail, list, pick, balancer } = createEjection(1, 2, 3)
  fail(1, 0)
  list(2, 1)
  t.strictSame([pick(1), pick(2)], ['2', '2'])
  list(2)
  list(1, 2)
  t.strictSame([pick(1), pick(2)].sort(), ['1', '2'])
  t.equal(balancer.countEjected(3), 0)
  t.end()
})

t.test('the failure of a removed endpoint does not count', t => {
  const { list, pick, balancer, endpoint } = createEjection(1, 2)
  const gone = endpoint(1)
  list(2, 3)
  balancer.recordFailure(gone, 0)
  t.equal(balancer.countEjected(1), 0)
  t.equal(balancer.ejections, 0)
  list(1, 2, 3)
  t.strictSame([pick(2), pick(3), pick(4)].sort(), ['1', '2', '3'])
  balancer.recordFailure(endpoint(1), 5)
  gone.failures = 1
  balancer.recordSuccess(gone)
  t.equal(balancer.countEjected(6), 1, 'nor does its success count for the endpoint that replaced it')
  t.end()
})

t.test('another balancer takes over the list and its ejections', t => {
  const { fail, pick, balancer, endpoint } = createEjection(1, 2, 3)
  fail(1, 0)
  endpoint(3).open = 1
  balancer.setBalancer(new LeastConnections(0))
  t.strictSame([pick(1), pick(2), pick(1000)], ['2', '2', '1'])
  t.end()
})

t.test('a client with affinity keeps its endpoint when that one failed only for another client', t => {
  const { balancer } = createEjection()
  const affinity = new ClientIpAffinity(balancer, 60_000)
  const endpoints = new EndpointCache().replace([target(1), target(2)])
  affinity.replace(endpoints)
  t.equal(affinity.pick('a', 0)?.ip, '10.244.0.1')
  balancer.recordFailure(endpoints[0]!, 1)
  t.equal(affinity.pick('a', 2)?.ip, '10.244.0.1')
  t.equal(affinity.pick('b', 3)?.ip, '10.244.0.2', 'a new client gets another')
  t.end()
})

/** Counts how often a balancer looks at an endpoint: whether it is ejected, or how many connections it has. */
function countLooks(endpoints: readonly BalancedEndpoint[]): () => number {
  let looks = 0
  for (const endpoint of endpoints) {
    for (const property of ['ejectedUntil', 'open'] as const) {
      let current = endpoint[property]
      Object.defineProperty(endpoint, property, {
        get: () => (looks++, current),
        set: (value: number) => (current = value),
      })
    }
  }
  return () => looks
}

/** A time at which ejections of 1, 2, 4 and 5 seconds, one after the other, have come and gone. */
const LATER = 60_000
const BALANCERS = {
  'round robin': () => new RoundRobin(0),
  'least connections': () => new LeastConnections(0),
  'two random choices': () => new RandomTwoChoices(seededRandom(1)),
}
for (const [name, createInner] of Object.entries(BALANCERS))
  for (const [state, answering] of [
    ['all of them', 0],
    ['all but one', 1],
    ['half of them', 1500],
  ] as const)
    t.test(`a pick by ${name} does not look at each of thousands of endpoints when ${state} are ejected`, t => {
      const ENDPOINTS = 3000
      const balancer = new PassiveEjection(createInner(), { initial: 1000, max: 5000 })
      const endpoints = new EndpointCache().replace(
        Array.from({ length: ENDPOINTS }, (_, n) => ({ ip: `10.0.${n >> 8}.${n & 255}`, port: 80 })),
      )
      const answers = new Set(endpoints.slice(1000, 1000 + answering))
      balancer.replace(endpoints)
      const failAll = (now: number): void => {
        for (const endpoint of endpoints) if (!answers.has(endpoint)) balancer.recordFailure(endpoint, now)
      }
      for (let now = 0; now <= LATER; now += 5000) {
        failAll(now)
        t.equal(balancer.countEjected(now), answering === 0 ? 0 : ENDPOINTS - answering)
      }
      // The first pick after a change may look at each.
      balancer.pick('c', LATER)
      const looks = countLooks(endpoints)
      for (let client = 0; client < 100; client++) {
        const failed = new Set<BalancedEndpoint>()
        for (let attempt = 0; attempt < 16; attempt++) {
          const picked = balancer.pick('c', LATER + client, failed)!
          if (answers.has(picked)) break
          balancer.recordFailure(picked, LATER + client)
          failed.add(picked)
        }
        t.equal(
          failed.size,
          answering === 0 ? 16 : 0,
          'a client tries different endpoints, and first those that answer',
        )
      }
      // Each look is at one of two endpoints that are compared, or at an idle one. Least connections looks at those that failed for this client, too.
      t.ok(looks() <= 20 * 1600, `${looks()} looks for up to 1,600 picks`)
      const [first] = answers
      if (first !== undefined) {
        const avoided = balancer.pick('c', LATER + 100, answers)!
        t.notOk(answers.has(avoided), 'an ejected endpoint comes before those that failed for this client')
      }
      balancer.recordSuccess(endpoints[7]!)
      const picked = Array.from({ length: 2 * (answering + 1) }, () => balancer.pick('c', LATER + 101)!)
      t.ok(picked.every(endpoint => endpoint === endpoints[7] || answers.has(endpoint)))
      if (name === 'round robin') t.ok(picked.includes(endpoints[7]!), 'one that is reached again gets clients')
      t.end()
    })

t.test('a look at the next endpoint is true of the next pick, and changes nothing', t => {
  const random = seededRandom(7)
  const now = { ms: 0 }
  for (const create of [(): RoundRobin => new RoundRobin(1), (): LeastConnections => new LeastConnections(2)]) {
    const balancer = new PassiveEjection(create(), { initial: 1000, max: 5000 })
    t.equal(balancer.peek(0), undefined, 'there is no endpoint')
    const book = new EndpointCache()
    let endpoints: readonly BalancedEndpoint[] = []
    const wrong: string[] = []
    for (let step = 0; step < 500; step++) {
      now.ms += Math.floor(random() * 400)
      if (step % 50 === 0) {
        const count = 2 + Math.floor(random() * 4)
        endpoints = book.replace([1, 2, 3, 4, 5].slice(0, count).map(target))
        balancer.replace(endpoints)
      }
      if (random() < 0.2) balancer.recordFailure(endpoints[Math.floor(random() * endpoints.length)]!, now.ms)
      const expected = [balancer.peek(now.ms), balancer.peek(now.ms)]
      const picked = balancer.pick('c', now.ms)
      if (picked !== undefined && random() < 0.7) picked.open++
      if (expected.some(each => each === undefined || each !== picked)) wrong.push(`step ${step}`)
    }
    t.strictSame(wrong, [])
  }
  const byChance = new PassiveEjection(new RandomTwoChoices(random), { initial: 1000, max: 5000 })
  const book = new EndpointCache()
  byChance.replace(book.replace([1, 2].map(target)))
  t.equal(byChance.peek(0), undefined, 'chance decides')
  byChance.replace(book.replace([target(1)]))
  t.equal(byChance.peek(0)?.key, key(1), 'there is no choice')
  t.end()
})
