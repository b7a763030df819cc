import t from 'tap'
import { DescriptorBudget } from '../../../lib/dataplane/limits/descriptor-budget.js'
import { DialBudget, DialQueue, type DialWaiter } from '../../../lib/dataplane/limits/dial-budget.js'
import { randomInt, testSeed, seededRandom } from '../../support/checks/seeded-random.js'

/** One client of a listener, that spends as a connection does. */
class Client implements DialWaiter {
  state: 'waiting' | 'dialing' | 'connected' | 'closed' = 'waiting'
  readonly #stage: Harness
  readonly #line: DialQueue
  readonly name: string

  constructor(stage: Harness, line: DialQueue, name = '') {
    this.name = name
    this.#stage = stage
    this.#line = line
    stage.descriptors.countExisting()
    if (stage.dials.tryStart(line)) this.onDialGranted()
    else if (!stage.dials.enqueue(line, this)) this.#close()
  }

  onDialGranted(): void {
    this.state = 'dialing'
    this.#stage.granted.push(this)
    if (this.#stage.failsAtOnce) this.fail()
  }

  checkClient(): void {
    if (this.#stage.hasReset(this)) this.disconnect()
  }

  connect(): void {
    this.state = 'connected'
    this.#stage.dials.complete(this.#line)
  }

  /** No endpoint took it. */
  fail(): void {
    const { dials } = this.#stage
    this.state = 'closed'
    dials.fail(this.#line)
    this.#close()
  }

  /** The kernel had no descriptor for it; it waits for one. */
  failWithoutDescriptor(): void {
    const { dials } = this.#stage
    dials.failWithoutDescriptor(this.#line)
    this.state = 'waiting'
    if (!dials.enqueue(this.#line, this)) this.#close()
  }

  /** It has waited too long. */
  shed(): void {
    this.#stage.dials.shed(this.#line, this)
    this.#close()
  }

  /** Whatever it was at. */
  disconnect(): void {
    const { dials, descriptors } = this.#stage
    if (this.state === 'waiting') dials.dequeue(this.#line, this)
    else if (this.state === 'dialing') dials.fail(this.#line)
    else descriptors.release()
    this.#close()
  }

  #close(): void {
    this.state = 'closed'
    this.#stage.descriptors.release()
  }
}

class Harness {
  readonly descriptors: DescriptorBudget
  readonly dials: DialBudget
  /** Those who were dialled for, in this order. */
  readonly granted: Client[] = []
  /** Whether dials end as soon as they begin. */
  failsAtOnce = false
  hasReset: (client: Client) => boolean = () => false

  constructor(limit: number) {
    this.descriptors = new DescriptorBudget(limit)
    this.dials = new DialBudget(this.descriptors)
  }

  /** Of those who are being dialled for, the one for whom that began first. */
  get oldest(): Client {
    return this.granted.find(({ state }) => state === 'dialing')!
  }

  connectClients(line: DialQueue, count: number, name = ''): Client[] {
    return Array.from({ length: count }, (_, n) => new Client(this, line, `${name}${n}`))
  }
}

const statesOf = (states: readonly Client[]) => states.map(({ state }) => state)
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
    t.equal(new Harness(files).dials.counts().limit, dials, `${files} open files`)
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
    const stage = new Harness(960)
    const lines = Array.from({ length: silent }, () => new DialQueue())
    // For each dial that ends another client comes.
    for (let round = 0; round < 300; round++) {
      for (const line of lines) stage.connectClients(line, round === 0 ? 31 : 1)
      for (const _ of lines) stage.oldest.fail()
    }
    const held = lines.map(({ inProgress }) => inProgress)
    const left = 60 - stage.dials.counts().used
    for (const value of [...held, left]) t.ok(Math.abs(value - each) <= 1, `${held.join(' ')}, left ${left}`)
    const healthy = new DialQueue()
    t.equal(
      countOf(stage.connectClients(healthy, left), 'dialing'),
      Math.ceil(left / 2),
      'one that comes now gets half of that',
    )
    t.end()
  })
}

t.test('With more such listeners than dials, each gets its turn as often as the others', t => {
  const stage = new Harness(3200)
  const lines = Array.from({ length: 300 }, () => new DialQueue())
  for (let round = 0; round < 5; round++)
    for (const [n, line] of lines.entries()) stage.connectClients(line, 1, `${n} `)
  t.equal(stage.dials.counts().used, 200)
  for (let ended = 0; ended < 1000; ended++) stage.oldest.fail()
  const turns = lines.map((_, n) => stage.granted.filter(({ name }) => name.startsWith(`${n} `)).length)
  t.strictSame(turns, Array<number>(300).fill(4))
  t.end()
})

t.test('Who came first is served first, and listeners are served in turn', t => {
  const stage = new Harness(200)
  // All dials but one.
  for (let n = 0; n < 11; n++) stage.connectClients(new DialQueue(), 1)
  const [a, b, c] = [new DialQueue(), new DialQueue(), new DialQueue()]
  const clients = [
    ...stage.connectClients(a, 6, 'a'),
    ...stage.connectClients(b, 2, 'b'),
    ...stage.connectClients(c, 3, 'c'),
  ]
  for (let ended = 0; ended < 10; ended++) clients.find(({ state }) => state === 'dialing')!.connect()
  const turns = stage.granted.slice(11).map(({ name }) => name)
  t.equal(turns.join(' '), 'a0 a1 b0 c0 a2 b1 c1 a3 c2 a4 a5')
  t.strictSame(stage.dials.counts(), { used: 12, limit: 12, waited: 10, shed: 0 })
  t.end()
})

t.test(
  'A silent listener takes half of the descriptors that others leave, dials and line together, and then sheds',
  t => {
    const stage = new Harness(1096)
    const { descriptors, dials } = stage
    // 900 descriptors for pairs, 100 more for who waits for one.
    const others = stage.connectClients(new DialQueue(), 34)
    for (const client of others) client.connect()
    t.equal(descriptors.availableForPairs, 900 - 68)
    const silent = new DialQueue()
    const clients = stage.connectClients(silent, 1000)
    t.equal(countOf(clients, 'dialing'), 34)
    t.equal(countOf(clients, 'waiting'), (900 - 68 - 68) / 2)
    t.equal(countOf(clients.slice(-584), 'closed'), 584, 'the newest are turned away')
    t.strictSame(dials.counts(), { used: 34, limit: 68, waited: 382, shed: 584 })
    t.equal(descriptors.availableForPairs, 382)
    t.strictSame(statesOf(others), Array<string>(34).fill('connected'))
    const healthy = new DialQueue()
    let served = 0
    for (; stage.connectClients(healthy, 1)[0]!.state === 'dialing'; served++) dials.complete(healthy)
    t.equal(served, 191, 'another one is served as long as there are descriptors')
    t.match(dials.counts(), { shed: 584 })
    t.match(descriptors.counts(), { waited: 1, shed: 0 }, 'what is short then is descriptors')
    t.equal(stage.connectClients(silent, 1)[0]!.state, 'closed', 'which are not for those who would wait for a dial')
    t.end()
  },
)

t.test('Short of descriptors clients wait too, while there is room, and are served when some are given back', t => {
  const stage = new Harness(146)
  const line = new DialQueue()
  const connected = Array.from({ length: 22 }, () => {
    const [client] = stage.connectClients(line, 1)
    client!.connect()
    return client!
  })
  // 44 of the 45 for pairs are used; 5 more are for those who wait.
  const clients = stage.connectClients(line, 6)
  t.strictSame(statesOf(clients), ['waiting', 'waiting', 'waiting', 'closed', 'closed', 'closed'])
  t.match(stage.descriptors.counts(), { waited: 3, shed: 3 })
  t.match(stage.dials.counts(), { waited: 0, shed: 0 })
  connected[0]!.disconnect()
  t.strictSame(statesOf(clients.slice(0, 3)), ['waiting', 'waiting', 'waiting'], 'all for pairs are used still')
  connected[1]!.disconnect()
  t.strictSame(statesOf(clients.slice(0, 3)), ['dialing', 'dialing', 'waiting'])
  clients[2]!.shed()
  t.match(stage.descriptors.counts(), { used: 44, waited: 3, shed: 4 })
  t.end()
})

t.test('Descriptors that others need no more go to those who wait', t => {
  const stage = new Harness(200)
  stage.descriptors.reserve(92)
  const line = new DialQueue()
  const clients = stage.connectClients(line, 7)
  t.strictSame(statesOf(clients.slice(4)), ['dialing', 'waiting', 'closed'])
  stage.descriptors.reserve(0)
  t.equal(clients[5]!.state, 'dialing')
  t.end()
})

t.test('Who goes away while it waits, or has waited too long, has no turn, and makes room in the line', t => {
  const stage = new Harness(160)
  const line = new DialQueue()
  const fill = () => {
    const clients: Client[] = []
    while (clients.at(-1)?.state !== 'closed') clients.push(...stage.connectClients(line, 1))
    return clients
  }
  const clients = fill()
  const room = countOf(clients, 'waiting')
  t.ok(room > 10)
  const waiting = clients.filter(({ state }) => state === 'waiting')
  waiting[0]!.disconnect()
  waiting[1]!.shed()
  t.match(stage.dials.counts(), { waited: room, shed: 2 })
  clients[0]!.connect()
  t.strictSame(statesOf(waiting.slice(0, 3)), ['closed', 'closed', 'dialing'])
  const gone = waiting.slice(3, 10)
  stage.hasReset = client => gone.includes(client)
  stage.dials.sweep()
  t.equal(countOf(gone, 'closed'), 7)
  t.ok(countOf(fill(), 'waiting') >= 8, 'others wait in their places')
  t.end()
})

t.test('Of very many who wait those are looked at who came first', t => {
  const stage = new Harness(20_000)
  const line = new DialQueue()
  const clients = stage.connectClients(line, 3000)
  const lookedAt: Client[] = []
  stage.hasReset = client => {
    lookedAt.push(client)
    return false
  }
  stage.dials.sweep()
  t.ok(lookedAt.length >= 100 && lookedAt.length <= 1000, `${lookedAt.length} of ${line.waiting.size}`)
  t.strictSame(
    lookedAt.map(({ name }) => name),
    clients.slice(512, 512 + lookedAt.length).map(({ name }) => name),
  )
  t.end()
})

t.test('When the kernel has no descriptor although some were counted, nobody else tries until one is given back', t => {
  const stage = new Harness(1000)
  const line = new DialQueue()
  const [one, two, three] = stage.connectClients(line, 3)
  for (const client of [one!, two!]) client.failWithoutDescriptor()
  t.strictSame(statesOf([one!, two!]), ['waiting', 'waiting'])
  t.match(stage.descriptors.counts(), { used: 4, waited: 2 })
  three!.connect()
  t.strictSame(statesOf([one!, two!]), ['dialing', 'dialing'])
  t.end()
})

t.test('A long line whose turns all end at once is served to its end', t => {
  const stage = new Harness(200_000)
  const line = new DialQueue()
  const clients = stage.connectClients(line, 50_000)
  t.equal(countOf(clients, 'waiting'), 50_000 - 512)
  stage.failsAtOnce = true
  clients[0]!.fail()
  t.equal(countOf(clients, 'dialing'), 511)
  t.equal(countOf(clients, 'closed'), 50_000 - 511)
  t.end()
})

const seed = testSeed()

t.test(`Whatever comes and goes: nothing is lost, and nobody waits who could be served (seed ${seed})`, t => {
  const random = seededRandom(seed)
  const pick = <T>(list: readonly T[]) => list[randomInt(random, list.length)]
  for (let run = 0; run < 30; run++) {
    const stage = new Harness(150 + randomInt(random, 600))
    const { dials, descriptors } = stage
    const lines = Array.from({ length: 1 + randomInt(random, 8) }, () => new DialQueue())
    let clients: Client[] = []
    for (let step = 0; step < 1000; step++) {
      const client = pick(clients)
      const action = random()
      if (action < 0.5 || client === undefined) clients.push(...stage.connectClients(pick(lines)!, 1))
      else if (action < 0.6) client.disconnect()
      else if (client.state === 'waiting') client.shed()
      else if (client.state === 'connected') client.disconnect()
      else if (action < 0.8) client.connect()
      else client.fail()
      clients = clients.filter(({ state }) => state !== 'closed')
      const used = countOf(clients, 'waiting') + 2 * (clients.length - countOf(clients, 'waiting'))
      const { used: inProgress, limit } = dials.counts()
      const couldGo = lines.some(line => line.waiting.size > 0 && line.inProgress < limit - inProgress)
      const isSound =
        descriptors.counts().used === used &&
        inProgress === countOf(clients, 'dialing') &&
        lines.reduce((sum, line) => sum + line.waiting.size, 0) === countOf(clients, 'waiting') &&
        (!couldGo || descriptors.availableForPairs <= 0)
      if (!isSound) return void t.fail(`run ${run}, step ${step}`)
    }
    while (clients.length > 0) {
      pick(clients)!.disconnect()
      clients = clients.filter(({ state }) => state !== 'closed')
    }
    t.match([descriptors.counts(), dials.counts()], [{ used: 0 }, { used: 0 }])
  }
  t.end()
})
