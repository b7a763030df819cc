import t from 'tap'
import { DescriptorBudget } from '../../lib/dataplane/descriptor-budget.js'
import { DialBudget, DialLine, type DialWaiter } from '../../lib/dataplane/dial-budget.js'
import { randomBelow, seedOfRun, seededRandom } from '../support/seeded-random.js'

/** One client of a listener, that spends as a connection does. */
class Client implements DialWaiter {
  state: 'waiting' | 'dialling' | 'connected' | 'gone' = 'waiting'
  readonly #stage: Stage
  readonly #line: DialLine

  constructor(
    stage: Stage,
    line: DialLine,
    readonly name = '',
  ) {
    this.#stage = stage
    this.#line = line
    stage.descriptors.note()
    if (stage.dials.tryStart(line)) this.go()
    else if (!stage.dials.wait(line, this)) this.#leave()
  }

  go(): void {
    this.state = 'dialling'
    this.#stage.turns.push(this)
    if (this.#stage.isHopeless) this.fail()
  }

  look(): void {
    if (this.#stage.hasReset(this)) this.goAway()
  }

  connect(): void {
    this.state = 'connected'
    this.#stage.dials.connected(this.#line)
  }

  /** No endpoint took it. */
  fail(): void {
    const { dials } = this.#stage
    this.state = 'gone'
    dials.failed(this.#line)
    this.#leave()
  }

  /** The kernel had no descriptor for it; it waits for one. */
  runOut(): void {
    const { dials } = this.#stage
    dials.ranOut(this.#line)
    this.state = 'waiting'
    if (!dials.wait(this.#line, this)) this.#leave()
  }

  /** It has waited too long. */
  shed(): void {
    this.#stage.dials.shed(this.#line, this)
    this.#leave()
  }

  /** Whatever it was at. */
  goAway(): void {
    const { dials, descriptors } = this.#stage
    if (this.state === 'waiting') dials.leave(this.#line, this)
    else if (this.state === 'dialling') dials.failed(this.#line)
    else descriptors.give()
    this.#leave()
  }

  #leave(): void {
    this.state = 'gone'
    this.#stage.descriptors.give()
  }
}

class Stage {
  readonly descriptors: DescriptorBudget
  readonly dials: DialBudget
  /** Those who were dialled for, in this order. */
  readonly turns: Client[] = []
  /** Whether dials end as soon as they begin. */
  isHopeless = false
  hasReset: (client: Client) => boolean = () => false

  constructor(limit: number) {
    this.descriptors = new DescriptorBudget(limit)
    this.dials = new DialBudget(this.descriptors)
  }

  /** Of those who are being dialled for, the one for whom that began first. */
  get oldest(): Client {
    return this.turns.find(({ state }) => state === 'dialling')!
  }

  come(line: DialLine, count: number, name = ''): Client[] {
    return Array.from({ length: count }, (_, n) => new Client(this, line, `${name}${n}`))
  }
}

const named = (states: readonly Client[]) => states.map(({ state }) => state)
const countOf = (clients: readonly Client[], state: Client['state']) =>
  clients.filter(client => client.state === state).length

t.test('Dials are a part of the open files, and not more than conntrack can bear', t => {
  for (const [files, dials] of [
    [1024, 64],
    [4096, 256],
    [20_000, 1024],
    [1_048_576, 1024],
    [16, 2],
  ] as const)
    t.equal(new Stage(files).dials.counts().limit, dials, `${files} open files`)
  t.end()
})

// Of 60 dials.
for (const [silent, each] of [
  [1, 30],
  [2, 20],
  [3, 15],
  [5, 10],
  [9, 6],
  [29, 2],
  [59, 1],
] as const) {
  t.test(`${silent} listeners with silent endpoints settle at ${each} dials each, and leave as many to others`, t => {
    const stage = new Stage(960)
    const lines = Array.from({ length: silent }, () => new DialLine())
    // For each dial that ends another client comes.
    for (let round = 0; round < 300; round++) {
      for (const line of lines) stage.come(line, round === 0 ? 31 : 1)
      for (const _ of lines) stage.oldest.fail()
    }
    const held = lines.map(({ inProgress }) => inProgress)
    const left = 60 - stage.dials.counts().used
    for (const value of [...held, left]) t.ok(Math.abs(value - each) <= 1, `${held.join(' ')}, left ${left}`)
    const healthy = new DialLine()
    t.equal(countOf(stage.come(healthy, left), 'dialling'), Math.ceil(left / 2), 'one that comes now gets half of that')
    t.end()
  })
}

t.test('With more such listeners than dials, each gets its turn as often as the others', t => {
  const stage = new Stage(3200)
  const lines = Array.from({ length: 300 }, () => new DialLine())
  for (let round = 0; round < 5; round++) for (const [n, line] of lines.entries()) stage.come(line, 1, `${n} `)
  t.equal(stage.dials.counts().used, 200)
  for (let ended = 0; ended < 1000; ended++) stage.oldest.fail()
  const turns = lines.map((_, n) => stage.turns.filter(({ name }) => name.startsWith(`${n} `)).length)
  t.strictSame(turns, Array<number>(300).fill(4))
  t.end()
})

t.test('Who came first is served first, and listeners are served in turn', t => {
  const stage = new Stage(200)
  // All dials but one.
  for (let n = 0; n < 11; n++) stage.come(new DialLine(), 1)
  const [a, b, c] = [new DialLine(), new DialLine(), new DialLine()]
  const clients = [...stage.come(a, 6, 'a'), ...stage.come(b, 2, 'b'), ...stage.come(c, 3, 'c')]
  for (let ended = 0; ended < 10; ended++) clients.find(({ state }) => state === 'dialling')!.connect()
  const turns = stage.turns.slice(11).map(({ name }) => name)
  t.equal(turns.join(' '), 'a0 a1 b0 c0 a2 b1 c1 a3 c2 a4 a5')
  t.strictSame(stage.dials.counts(), { used: 12, limit: 12, waited: 10, shed: 0 })
  t.end()
})

t.test(
  'A silent listener takes half of the descriptors that others leave, dials and line together, and then sheds',
  t => {
    const stage = new Stage(1096)
    const { descriptors, dials } = stage
    // 900 descriptors for pairs, 100 more for who waits for one.
    const others = stage.come(new DialLine(), 34)
    for (const client of others) client.connect()
    t.equal(descriptors.leftForPairs, 900 - 68)
    const silent = new DialLine()
    const clients = stage.come(silent, 1000)
    t.equal(countOf(clients, 'dialling'), 34)
    t.equal(countOf(clients, 'waiting'), (900 - 68 - 68) / 2)
    t.equal(countOf(clients.slice(-584), 'gone'), 584, 'the newest are turned away')
    t.strictSame(dials.counts(), { used: 34, limit: 68, waited: 382, shed: 584 })
    t.equal(descriptors.leftForPairs, 382)
    t.strictSame(named(others), Array<string>(34).fill('connected'))
    const healthy = new DialLine()
    let served = 0
    for (; stage.come(healthy, 1)[0]!.state === 'dialling'; served++) dials.connected(healthy)
    t.equal(served, 191, 'another one is served as long as there are descriptors')
    t.match(dials.counts(), { shed: 584 })
    t.match(descriptors.counts(), { waited: 1, shed: 0 }, 'what is short then is descriptors')
    t.equal(stage.come(silent, 1)[0]!.state, 'gone', 'which are not for those who would wait for a dial')
    t.end()
  },
)

t.test('Short of descriptors clients wait too, while there is room, and are served when some are given back', t => {
  const stage = new Stage(146)
  const line = new DialLine()
  const connected = Array.from({ length: 22 }, () => {
    const [client] = stage.come(line, 1)
    client!.connect()
    return client!
  })
  // 44 of the 45 for pairs are used; 5 more are for those who wait.
  const clients = stage.come(line, 6)
  t.strictSame(named(clients), ['waiting', 'waiting', 'waiting', 'gone', 'gone', 'gone'])
  t.match(stage.descriptors.counts(), { waited: 3, shed: 3 })
  t.match(stage.dials.counts(), { waited: 0, shed: 0 })
  connected[0]!.goAway()
  t.strictSame(named(clients.slice(0, 3)), ['waiting', 'waiting', 'waiting'], 'all for pairs are used still')
  connected[1]!.goAway()
  t.strictSame(named(clients.slice(0, 3)), ['dialling', 'dialling', 'waiting'])
  clients[2]!.shed()
  t.match(stage.descriptors.counts(), { used: 44, waited: 3, shed: 4 })
  t.end()
})

t.test('Descriptors that others need no more go to those who wait', t => {
  const stage = new Stage(200)
  stage.descriptors.reserve(92)
  const line = new DialLine()
  const clients = stage.come(line, 7)
  t.strictSame(named(clients.slice(4)), ['dialling', 'waiting', 'gone'])
  stage.descriptors.reserve(0)
  t.equal(clients[5]!.state, 'dialling')
  t.end()
})

t.test('Who goes away while it waits, or has waited too long, has no turn, and makes room in the line', t => {
  const stage = new Stage(160)
  const line = new DialLine()
  const fill = () => {
    const clients: Client[] = []
    while (clients.at(-1)?.state !== 'gone') clients.push(...stage.come(line, 1))
    return clients
  }
  const clients = fill()
  const room = countOf(clients, 'waiting')
  t.ok(room > 10)
  const waiting = clients.filter(({ state }) => state === 'waiting')
  waiting[0]!.goAway()
  waiting[1]!.shed()
  t.match(stage.dials.counts(), { waited: room, shed: 2 })
  clients[0]!.connect()
  t.strictSame(named(waiting.slice(0, 3)), ['gone', 'gone', 'dialling'])
  const gone = waiting.slice(3, 10)
  stage.hasReset = client => gone.includes(client)
  stage.dials.look()
  t.equal(countOf(gone, 'gone'), 7)
  t.ok(countOf(fill(), 'waiting') >= 8, 'others wait in their places')
  t.end()
})

t.test('Of very many who wait those are looked at who came first', t => {
  const stage = new Stage(20_000)
  const line = new DialLine()
  const clients = stage.come(line, 3000)
  const lookedAt: Client[] = []
  stage.hasReset = client => {
    lookedAt.push(client)
    return false
  }
  stage.dials.look()
  t.ok(lookedAt.length >= 100 && lookedAt.length <= 1000, `${lookedAt.length} of ${line.waiting.size}`)
  t.strictSame(
    lookedAt.map(({ name }) => name),
    clients.slice(512, 512 + lookedAt.length).map(({ name }) => name),
  )
  t.end()
})

t.test('When the kernel has no descriptor although some were counted, nobody else tries until one is given back', t => {
  const stage = new Stage(1000)
  const line = new DialLine()
  const [one, two, three] = stage.come(line, 3)
  for (const client of [one!, two!]) client.runOut()
  t.strictSame(named([one!, two!]), ['waiting', 'waiting'])
  t.match(stage.descriptors.counts(), { used: 4, waited: 2 })
  three!.connect()
  t.strictSame(named([one!, two!]), ['dialling', 'dialling'])
  t.end()
})

t.test('A long line whose turns all end at once is served to its end', t => {
  const stage = new Stage(200_000)
  const line = new DialLine()
  const clients = stage.come(line, 50_000)
  t.equal(countOf(clients, 'waiting'), 50_000 - 512)
  stage.isHopeless = true
  clients[0]!.fail()
  t.equal(countOf(clients, 'dialling'), 511)
  t.equal(countOf(clients, 'gone'), 50_000 - 511)
  t.end()
})

const seed = seedOfRun()

t.test(`Whatever comes and goes: nothing is lost, and nobody waits who could be served (seed ${seed})`, t => {
  const random = seededRandom(seed)
  const pick = <T>(list: readonly T[]) => list[randomBelow(random, list.length)]
  for (let run = 0; run < 30; run++) {
    const stage = new Stage(150 + randomBelow(random, 600))
    const { dials, descriptors } = stage
    const lines = Array.from({ length: 1 + randomBelow(random, 8) }, () => new DialLine())
    let clients: Client[] = []
    for (let step = 0; step < 1000; step++) {
      const client = pick(clients)
      const action = random()
      if (action < 0.5 || client === undefined) clients.push(...stage.come(pick(lines)!, 1))
      else if (action < 0.6) client.goAway()
      else if (client.state === 'waiting') client.shed()
      else if (client.state === 'connected') client.goAway()
      else if (action < 0.8) client.connect()
      else client.fail()
      clients = clients.filter(({ state }) => state !== 'gone')
      const used = countOf(clients, 'waiting') + 2 * (clients.length - countOf(clients, 'waiting'))
      const { used: inProgress, limit } = dials.counts()
      const couldGo = lines.some(line => line.waiting.size > 0 && line.inProgress < limit - inProgress)
      const isSound =
        descriptors.counts().used === used &&
        inProgress === countOf(clients, 'dialling') &&
        lines.reduce((sum, line) => sum + line.waiting.size, 0) === countOf(clients, 'waiting') &&
        (!couldGo || descriptors.leftForPairs <= 0)
      if (!isSound) return void t.fail(`run ${run}, step ${step}`)
    }
    while (clients.length > 0) {
      pick(clients)!.goAway()
      clients = clients.filter(({ state }) => state !== 'gone')
    }
    t.match([descriptors.counts(), dials.counts()], [{ used: 0 }, { used: 0 }])
  }
  t.end()
})
