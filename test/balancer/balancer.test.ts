import t from 'tap'
import { AffinityBudget } from '../../lib/balancer/affinity-budget.js'
import { AffinityTable } from '../../lib/balancer/affinity-table.js'
import { BalancedEndpoint, EndpointCache } from '../../lib/balancer/balanced-endpoint.js'
import { type AvoidedEndpoints, type Target } from '../../lib/balancer/balancer.js'
import { ClientIpAffinity } from '../../lib/balancer/client-ip-affinity.js'
import { RoundRobin } from '../../lib/balancer/round-robin.js'
import { failAndEndTest } from '../support/checks/fail-and-end-test.js'
import { randomInt, testSeed, seededRandom } from '../support/checks/seeded-random.js'
import { avoidKeys } from '../support/dataplane/avoid-keys.js'

/** `a` stands for 10.0.0.1:80, `b` for 10.0.0.2:80 …: short enough for tables. */
function target(letter: string): Target {
  return { ip: `10.0.0.${letter.charCodeAt(0) - 96}`, port: 80 }
}

function targets(letters: string): Target[] {
  return [...letters].map(target)
}

function key(letter: string): string {
  return `${target(letter).ip}:80`
}

function keys(letters: string): AvoidedEndpoints {
  return avoidKeys(...[...letters].map(key))
}

function letterOf(picked: Target | undefined): string {
  return picked === undefined ? '-' : String.fromCharCode(96 + Number(picked.ip.split('.')[3]))
}

void t.test('round robin picks each endpoint in turn, and keeps the turn when the list changes', t => {
  /** A list of letters replaces the endpoints; a number picks that many times; `!ab` picks once and avoids a and b. */
  const table: readonly { name: string; start?: number; steps: readonly (string | number)[]; picked: string }[] = [
    { name: 'nothing before the first list', steps: [2], picked: '--' },
    { name: 'in turn, and round', steps: ['abc', 7], picked: 'abcabca' },
    { name: 'from the given start', start: 2, steps: ['abc', 4], picked: 'cabc' },
    { name: 'from a start beyond the list', start: 7, steps: ['abc', 4], picked: 'bcab' },
    { name: 'one endpoint, always that', steps: ['a', 3], picked: 'aaa' },
    { name: 'an empty list gives nothing', steps: ['abc', 1, '', 2], picked: 'a--' },
    { name: 'an endpoint that joins waits for its turn', steps: ['ac', 1, 'abc', 3], picked: 'acab' },
    { name: 'an endpoint that joins at the end', steps: ['ab', 1, 'abc', 3], picked: 'abca' },
    { name: 'one that leaves before its turn is passed over', steps: ['abc', 1, 'ac', 3], picked: 'acac' },
    { name: 'one that leaves after its turn does not move the turn', steps: ['abc', 1, 'bc', 3], picked: 'abcb' },
    { name: 'the last one leaves when it is its turn', steps: ['abc', 2, 'ab', 2], picked: 'abab' },
    { name: 'a new order, the turn stays with its endpoint', steps: ['abc', 1, 'cba', 3], picked: 'abac' },
    { name: 'all at once replaced', steps: ['ab', 1, 'cd', 2], picked: 'adc' },
    { name: 'the same list again changes nothing', steps: ['abc', 1, 'abc', 1, 'abc', 1], picked: 'abc' },
    { name: 'goes on where it was after a while without endpoints', steps: ['abc', 1, '', 'abc', 1], picked: 'ab' },
    { name: 'avoids one that just failed', steps: ['abc', '!a', 3], picked: 'bcab' },
    { name: 'avoids several', steps: ['abc', '!ab', 1], picked: 'ca' },
    { name: 'takes one to avoid rather than none', steps: ['ab', '!ab', '!ab'], picked: 'ab' },
    { name: 'to avoid one that is not there means nothing', steps: ['ab', '!z', 1], picked: 'ab' },
  ]
  for (const { name, start, steps, picked } of table) {
    const balancer = new RoundRobin(start ?? 0)
    const book = new EndpointCache()
    let result = ''
    for (const step of steps) {
      if (typeof step === 'number') for (let i = 0; i < step; i++) result += letterOf(balancer.pick('client', 0))
      else if (step.startsWith('!')) result += letterOf(balancer.pick('client', 0, keys(step.slice(1))))
      else balancer.replace(book.replace(targets(step)))
    }
    t.equal(result, picked, name)
  }
  t.end()
})

const seed = testSeed()

void t.test(`round robin favours no endpoint when the list changes all the time (SEED=${seed})`, t => {
  const random = seededRandom(seed)
  const all = 'abcdefgh'
  /** One endpoint comes and goes, the others stay; the list changes before each pick. */
  const kinds: Record<string, () => string> = {
    'the first one comes and goes': () => (random() < 0.5 ? all : all.slice(1)),
    'the last one comes and goes': () => (random() < 0.5 ? all : all.slice(0, -1)),
    'another one joins at the front': () => (random() < 0.5 ? all : `z${all}`),
    'another one joins at the end': () => (random() < 0.5 ? all : `${all}z`),
    'the order changes': () => [...all].sort(() => random() - 0.5).join(''),
    'nothing changes': () => all,
  }
  for (const [name, list] of Object.entries(kinds)) {
    const balancer = new RoundRobin(0)
    const book = new EndpointCache()
    const counts = new Map<string, number>()
    const rounds = 16_000
    for (let round = 0; round < rounds; round++) {
      balancer.replace(book.replace(targets(list())))
      const letter = letterOf(balancer.pick('client', 0))
      counts.set(letter, (counts.get(letter) ?? 0) + 1)
    }
    const steady = [...all].filter(
      letter => !name.includes('one comes and goes') || letter !== (name.includes('first') ? 'a' : 'h'),
    )
    const got = steady.map(letter => counts.get(letter) ?? 0)
    const fair = got.reduce((sum, count) => sum + count, 0) / steady.length
    // With the turn kept the counts are nearly equal; 15 % leaves room for the neighbours of the endpoint that comes and goes.
    t.ok(
      got.every(count => Math.abs(count - fair) < 0.15 * fair),
      `${name}: ${got.join(' ')}`,
    )
  }
  t.end()
})

void t.test(`a pick is always in the list, and never an endpoint to avoid while there is another (SEED=${seed})`, t => {
  const random = seededRandom(seed)
  const letters = 'abcdef'
  const some = (): string => [...letters].filter(() => random() < 0.5).join('')
  for (const balancer of [new RoundRobin(3), new ClientIpAffinity(new RoundRobin(0), 50)]) {
    const book = new EndpointCache()
    let list = ''
    for (let now = 0; now < 20_000; now++) {
      if (random() < 0.3) balancer.replace(book.replace(targets((list = some()))))
      const avoid = random() < 0.3 ? some() : ''
      const picked = letterOf(balancer.pick(`10.1.0.${randomInt(random, 20)}`, now, keys(avoid)))
      if (list === '' ? picked !== '-' : !list.includes(picked))
        return failAndEndTest(t, `"${picked}" is not in "${list}"`)
      const others = [...list].some(letter => !avoid.includes(letter))
      if (others && avoid.includes(picked)) return failAndEndTest(t, `"${picked}" was to be avoided, of "${list}"`)
    }
  }
  t.pass('40,000 picks')
  t.end()
})

void t.test('with ClientIP affinity a client keeps its endpoint', t => {
  /** [time in ms, client, endpoints to avoid, picked] */
  type Pick = readonly [at: number, client: string, avoid: string, picked: string]
  const table: readonly { name: string; steps: readonly (Pick | string | { ttl: number })[] }[] = [
    {
      name: 'each client its own endpoint, new ones in turn',
      steps: ['abc', [0, 'x', '', 'a'], [1, 'y', '', 'b'], [2, 'x', '', 'a'], [3, 'z', '', 'c'], [4, 'y', '', 'b']],
    },
    {
      name: 'an age one below the timeout is young, one at the timeout is old',
      steps: ['abc', [0, 'x', '', 'a'], [999, 'x', '', 'a'], [1999, 'x', '', 'b']],
    },
    {
      name: 'every use restarts the time',
      steps: ['abc', ...[0, 900, 1800, 2700, 3600].map((at): Pick => [at, 'x', '', 'a']), [4600, 'x', '', 'b']],
    },
    {
      name: 'a shorter timeout counts at once for clients that are known',
      steps: ['abc', [0, 'x', '', 'a'], { ttl: 100 }, [100, 'x', '', 'b']],
    },
    {
      name: 'a longer timeout counts at once for clients that are known',
      steps: ['abc', [0, 'x', '', 'a'], { ttl: 5000 }, [4999, 'x', '', 'a']],
    },
    {
      name: 'clients of an endpoint that is gone get another, also when it comes back',
      steps: ['abc', [0, 'x', '', 'a'], 'bc', 'abc', [1, 'x', '', 'b'], [2, 'x', '', 'b']],
    },
    {
      name: 'clients of endpoints that stay are not touched by a change',
      steps: ['abc', [0, 'x', '', 'a'], [0, 'y', '', 'b'], 'acd', [1, 'x', '', 'a'], [1, 'y', '', 'c']],
    },
    {
      name: 'an endpoint that just failed is left, and the client stays with the new one',
      steps: ['abc', [0, 'x', '', 'a'], [1, 'x', 'a', 'b'], [2, 'x', '', 'b'], [3, 'x', '', 'b']],
    },
    {
      name: 'one is given even when all should be avoided',
      steps: ['ab', [0, 'x', '', 'a'], [1, 'x', 'ab', 'b'], [2, 'x', '', 'b']],
    },
    {
      name: 'no endpoint, no memory',
      steps: ['', [0, 'x', '', '-'], 'ab', [1, 'x', '', 'a'], '', [2, 'x', '', '-'], 'b', [3, 'x', '', 'b']],
    },
  ]
  for (const { name, steps } of table) {
    const balancer = new ClientIpAffinity(new RoundRobin(0), 1000)
    const book = new EndpointCache()
    for (const step of steps) {
      if (typeof step === 'string') balancer.replace(book.replace(targets(step)))
      else if ('ttl' in step) balancer.ttlMs = step.ttl
      else {
        const [at, client, avoid, picked] = step
        t.equal(letterOf(balancer.pick(client, at, keys(avoid))), picked, `${name}: ${client} at ${at}`)
      }
    }
  }
  t.end()
})

void t.test('expired clients are removed, and the table has a maximum size', t => {
  const balancer = new ClientIpAffinity(new RoundRobin(0), 1000)
  const book = new EndpointCache()
  balancer.replace(book.replace(targets('abc')))
  for (let client = 0; client < 500; client++) balancer.pick(`client ${client}`, 0)
  t.equal(balancer.size, 500)
  balancer.pick('client 0', 999)
  t.equal(balancer.size, 500)
  balancer.pick('new client', 1000)
  t.equal(balancer.size, 2, 'only clients with a use within the timeout remain')
  for (let client = 0; client < 70_000; client++) balancer.pick(`client ${client}`, 1001)
  t.equal(balancer.size, 65_536)
  balancer.replace(book.replace(targets('a')))
  t.ok(balancer.size < 30_000, 'clients of removed endpoints are removed at once')
  t.end()
})

void t.test('a full affinity table removes the client with the oldest last use', t => {
  const table = new AffinityTable(3, new AffinityBudget(100))
  const [a, b, c] = [...'abc'].map(letter => new BalancedEndpoint(target(letter)))
  for (const client of ['x', 'y', 'z']) table.set(client, a!, 0)
  table.use('x', 1, 1000)
  table.set('w', b!, 2)
  t.equal(table.size, 3)
  t.equal(table.use('y', 3, 1000), undefined, 'y had the oldest last use')
  t.equal(table.use('x', 3, 1000), a)
  t.equal(table.use('w', 3, 1000), b)
  table.set('w', c!, 4)
  t.equal(table.size, 3, 'a client that is set again has one record')
  t.equal(table.use('w', 4, 1000), c)
  t.equal(table.use('w', 1004, 1000), undefined, 'a record expires exactly at the timeout')
  table.expire(1003, 1000)
  t.equal(table.size, 1, 'expire removes all old records, and no others')
  table.retain(new Set([a!, b!]))
  t.equal(table.size, 0)
  t.end()
})
