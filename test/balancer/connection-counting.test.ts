import t from 'tap'
import { type BalancedEndpoint, EndpointCache } from '../../lib/balancer/balanced-endpoint.js'
import { type Balancer } from '../../lib/balancer/balancer.js'
import { balancerByName } from '../../lib/balancer/balancer-by-name.js'
import { ClientIpAffinity } from '../../lib/balancer/client-ip-affinity.js'
import { LeastConnections } from '../../lib/balancer/least-connections.js'
import { RandomTwoChoices } from '../../lib/balancer/random-two-choices.js'
import { RoundRobin } from '../../lib/balancer/round-robin.js'
import { BALANCER_NAMES } from '../../lib/model/service-port.js'
import { failAndEndTest } from '../support/checks/fail-and-end-test.js'
import { randomInt, testSeed, seededRandom } from '../support/checks/seeded-random.js'
import { avoidKeys } from '../support/dataplane/avoid-keys.js'

/** `a` stands for 10.0.0.1:80, and so on. */
const ipOf = (letter: string) => `10.0.0.${letter.charCodeAt(0) - 96}`
const letterOf = (endpoint: BalancedEndpoint | undefined) =>
  endpoint === undefined ? '-' : String.fromCharCode(96 + Number(endpoint.ip.split('.')[3]))

/** A balancer whose clients stay until the test ends them. */
class Clients {
  readonly #balancer: Balancer
  readonly #book = new EndpointCache()
  readonly #served: BalancedEndpoint[] = []

  constructor(balancer: Balancer) {
    this.#balancer = balancer
  }

  get served(): number {
    return this.#served.length
  }

  setEndpoints(letters: string): readonly BalancedEndpoint[] {
    const endpoints = this.#book.replace([...letters].map(letter => ({ ip: ipOf(letter), port: 80 })))
    this.#balancer.replace(endpoints)
    return endpoints
  }

  connect(avoid = '', client = 'client'): string {
    const endpoint = this.#balancer.pick(client, 0, avoidKeys(...[...avoid].map(letter => `${ipOf(letter)}:80`)))
    if (endpoint !== undefined) {
      endpoint.open++
      this.#served.push(endpoint)
    }
    return letterOf(endpoint)
  }

  /** Ends the oldest open client of an endpoint. */
  disconnectFrom(letter: string): void {
    this.disconnectAt(this.#served.findIndex(endpoint => letterOf(endpoint) === letter))
  }

  disconnectAt(index: number): void {
    for (const endpoint of this.#served.splice(index, 1)) endpoint.open--
  }
}

void t.test('least connections picks the endpoint with the fewest connections, and equal ones in turn', t => {
  /** `=abc` replaces the endpoints; `-a` ends a connection of a; `!ab` picks and avoids a and b; a number picks that many times. */
  const table: readonly { name: string; start?: number; steps: readonly (string | number)[]; picked: string }[] = [
    { name: 'nothing before the first list', steps: [2], picked: '--' },
    { name: 'equals in turn, and round', steps: ['=abc', 7], picked: 'abcabca' },
    { name: 'from the given start', start: 2, steps: ['=abc', 4], picked: 'cabc' },
    { name: 'from a start beyond the list', start: 7, steps: ['=abc', 4], picked: 'bcab' },
    { name: 'the one that lost a connection', steps: ['=abc', 6, '-b', 2], picked: 'abcabcbc' },
    { name: 'the one that lost most', steps: ['=abc', 9, '-c', '-c', '-b', 3], picked: 'abcabcabccbc' },
    { name: 'in turn when no client stays', steps: ['=abc', 1, '-a', 1, '-b', 1], picked: 'abc' },
    { name: 'one that joins gets all until it has as many', steps: ['=ab', 4, '=abc', 4], picked: 'ababccab' },
    { name: 'one that stays keeps its count', steps: ['=abc', 3, '=cb', '-b', 2], picked: 'abcbc' },
    { name: 'one that went and came back starts at none', steps: ['=ab', 4, '=b', '=ab', 2], picked: 'ababaa' },
    {
      name: 'old connections do not count for one that came back',
      steps: ['=ab', 2, '=b', '=ab', '-a', 3],
      picked: 'ababa',
    },
    {
      name: 'avoids one that just failed, though it has the fewest',
      steps: ['=abc', 3, '-a', '!a', 1],
      picked: 'abcba',
    },
    { name: 'takes one to avoid rather than none', steps: ['=ab', '!ab', '!ab'], picked: 'ab' },
    { name: 'an empty list gives nothing', steps: ['=abc', 1, '=', 2], picked: 'a--' },
  ]
  for (const { name, start, steps, picked } of table) {
    const clients = new Clients(new LeastConnections(start ?? 0))
    let result = ''
    for (const step of steps) {
      if (typeof step === 'number') for (let i = 0; i < step; i++) result += clients.connect()
      else if (step.startsWith('!')) result += clients.connect(step.slice(1))
      else if (step.startsWith('-')) clients.disconnectFrom(step.slice(1))
      else clients.setEndpoints(step.slice(1))
    }
    t.equal(result, picked, name)
  }
  t.end()
})

void t.test('random two choices picks, of two random endpoints, the one with fewer connections', t => {
  /** `draws`: the index of the first choice, then that of the second among the rest. `busy` has one letter for each connection. */
  const table: readonly {
    name: string
    list: string
    busy?: string
    avoid?: string
    draws: readonly number[]
    picked: string
  }[] = [
    { name: 'equals: the first drawn', list: 'abcd', draws: [2, 0], picked: 'c' },
    { name: 'the other has fewer', list: 'abcd', busy: 'c', draws: [2, 0], picked: 'a' },
    { name: 'the first has fewer', list: 'abcd', busy: 'a', draws: [2, 0], picked: 'c' },
    { name: 'the other may come after the first', list: 'abcd', busy: 'c', draws: [2, 2], picked: 'd' },
    { name: 'a third that is idle is not looked at', list: 'abcd', busy: 'aabc', draws: [0, 0], picked: 'b' },
    { name: 'of two, always both', list: 'ab', busy: 'a', draws: [0, 0], picked: 'b' },
    { name: 'one endpoint: that one', list: 'a', busy: 'a', draws: [], picked: 'a' },
    { name: 'none', list: '', draws: [], picked: '-' },
    { name: 'draws among those not to be avoided', list: 'abcd', busy: 'c', avoid: 'b', draws: [1, 1], picked: 'd' },
    { name: 'takes one to avoid rather than none', list: 'ab', avoid: 'ab', draws: [1, 0], picked: 'b' },
    { name: 'all but one to avoid: that one', list: 'abc', busy: 'b', avoid: 'ac', draws: [], picked: 'b' },
  ]
  for (const { name, list, busy = '', avoid = '', draws, picked } of table) {
    const usable = [...list].filter(letter => !avoid.includes(letter)).length || list.length
    let drawn = 0
    // Just below the next index: any rounding except down shows.
    const random = () => (draws[drawn]! + 0.99) / (usable - drawn++)
    const clients = new Clients(new RandomTwoChoices(random))
    const endpoints = clients.setEndpoints(list)
    for (const endpoint of endpoints) endpoint.open = busy.split(letterOf(endpoint)).length - 1
    t.equal(clients.connect(avoid), picked, name)
    t.equal(drawn, draws.length, `${name}: so many draws`)
  }
  t.end()
})

const seed = testSeed()

void t.test(`a pick is always in the list, and never an endpoint to avoid while there is another (SEED=${seed})`, t => {
  const random = seededRandom(seed)
  const letters = 'abcdef'
  const some = (): string => [...letters].filter(() => random() < 0.5).join('')
  for (const name of BALANCER_NAMES) {
    const clients = new Clients(balancerByName(name, 3, random))
    let list = ''
    for (let step = 0; step < 20_000; step++) {
      if (random() < 0.1) clients.setEndpoints((list = some()))
      if (clients.served > 50 || random() < 0.3) clients.disconnectAt(randomInt(random, clients.served + 1))
      const avoid = random() < 0.3 ? some() : ''
      const picked = clients.connect(avoid)
      if (list === '' ? picked !== '-' : !list.includes(picked))
        return failAndEndTest(t, `${name}: "${picked}" is not in "${list}"`)
      const others = [...list].some(letter => !avoid.includes(letter))
      if (others && avoid.includes(picked))
        return failAndEndTest(t, `${name}: "${picked}" was to be avoided, of "${list}"`)
    }
  }
  t.pass('60,000 picks')
  t.end()
})

void t.test(`slow endpoints get fewer clients from balancers that count connections (SEED=${seed})`, t => {
  const random = seededRandom(seed)
  const share = (balancer: Balancer): number => {
    const clients = new Clients(balancer)
    const endpoints = clients.setEndpoints('abcd')
    let slow = 0
    for (let step = 0; step < 8000; step++) {
      if (clients.connect() === 'a') slow++
      // Three of the four end a client in the next step; `a` ends one in a hundred steps.
      for (const endpoint of endpoints)
        if (endpoint.open > 0 && (letterOf(endpoint) !== 'a' || random() < 0.01))
          clients.disconnectFrom(letterOf(endpoint))
    }
    return slow / 8000
  }
  t.ok(share(new RoundRobin(0)) === 0.25, 'round robin does not count connections')
  t.ok(share(new LeastConnections(0)) < 0.02)
  t.ok(share(new RandomTwoChoices(random)) < 0.02)
  t.end()
})

void t.test(`random two choices picks each endpoint with the same probability (SEED=${seed})`, t => {
  const clients = new Clients(new RandomTwoChoices(seededRandom(seed)))
  clients.setEndpoints('abcdefgh')
  const counts = new Map<string, number>()
  for (let step = 0; step < 16_000; step++) {
    const letter = clients.connect()
    counts.set(letter, (counts.get(letter) ?? 0) + 1)
    clients.disconnectFrom(letter)
  }
  // 2000 each; the standard deviation is 42.
  t.equal(counts.size, 8)
  t.ok(
    [...counts.values()].every(count => Math.abs(count - 2000) < 250),
    [...counts.values()].join(' '),
  )
  t.end()
})

void t.test('a client with affinity keeps its endpoint, even if that one has the most connections', t => {
  const clients = new Clients(new ClientIpAffinity(new LeastConnections(0), 1000))
  clients.setEndpoints('abc')
  t.equal(['x', 'x', 'x', 'y', 'z', 'x', 'v', 'w'].map(client => clients.connect('', client)).join(''), 'aaabcabc')
  t.end()
})

void t.test('each name makes its balancer, which starts within the list', t => {
  const random = () => 0.5
  t.ok(balancerByName('round-robin', 4, random) instanceof RoundRobin)
  t.ok(balancerByName('least-connections', 4, random) instanceof LeastConnections)
  t.ok(balancerByName('random-two-choices', 4, random) instanceof RandomTwoChoices)
  for (const name of ['round-robin', 'least-connections'] as const) {
    const clients = new Clients(balancerByName(name, 4, random))
    clients.setEndpoints('abcd')
    t.equal(clients.connect(), 'c', name)
    t.equal(new Clients(balancerByName(name, 0, random)).connect(), '-', `${name} without endpoints`)
  }
  t.end()
})
