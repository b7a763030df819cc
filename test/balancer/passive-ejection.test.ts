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

/** Counts how often the end of an endpoint's ejection is looked at. */
function countLooks(endpoints: readonly BalancedEndpoint[]): () => number {
  let looks = 0
  for (const endpoint of endpoints) {
    let ejectedUntil = 0
    Object.defineProperty(endpoint, 'ejectedUntil', {
      get: () => (looks++, ejectedUntil),
      set: (value: number) => (ejectedUntil = value),
    })
  }
  return () => looks
}

const BALANCERS = { 'round robin': new RoundRobin(0), 'two random choices': new RandomTwoChoices(seededRandom(1)) }
for (const [name, inner] of Object.entries(BALANCERS))
  t.test(`a pick by ${name} does not look at each of thousands of endpoints that are ejected`, t => {
    const ENDPOINTS = 3000
    const balancer = new PassiveEjection(inner, { initial: 1000, max: 5000 })
    const endpoints = new EndpointCache().replace(
      Array.from({ length: ENDPOINTS }, (_, n) => ({ ip: `10.0.${n >> 8}.${n & 255}`, port: 80 })),
    )
    const looks = countLooks(endpoints)
    balancer.replace(endpoints)
    for (const endpoint of endpoints) balancer.recordFailure(endpoint, 0)
    const before = looks()
    for (let client = 0; client < 100; client++) {
      const failed = new Set<BalancedEndpoint>()
      for (let attempt = 0; attempt < 16; attempt++) {
        const picked = balancer.pick('c', 1, failed)!
        balancer.recordFailure(picked, 1)
        failed.add(picked)
      }
      t.equal(failed.size, 16, 'a client tries different endpoints')
    }
    t.ok(looks() - before < 4 * ENDPOINTS, `${looks() - before} looks for 1,600 picks`)
    balancer.recordSuccess(endpoints[7]!)
    t.equal(balancer.pick('c', 2), endpoints[7], 'the only one that is reached again gets the next client')
    t.equal(balancer.pick('c', 999, new Set([endpoints[7]!]))?.ejectedUntil, 1000, 'then an ejected one')
    t.end()
  })
