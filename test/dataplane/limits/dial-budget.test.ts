import t from 'tap'
import { DescriptorBudget } from '../../../lib/dataplane/limits/descriptor-budget.js'
import { DialBudget, DialQueue } from '../../../lib/dataplane/limits/dial-budget.js'
import { type PendingDial } from '../../../lib/dataplane/limits/dial-burst.js'
import { DescriptorShare } from '../../../lib/dataplane/limits/service-shares.js'
import { type OpenConnection, ServiceConnections } from '../../../lib/dataplane/tcp/service-connections.js'
import { randomInt, testSeed, seededRandom } from '../../support/checks/seeded-random.js'

/** One client of a listener, which uses descriptors and dials as a connection does. */
class Client implements PendingDial {
  state: 'waiting' | 'dialing' | 'connected' | 'closed' = 'waiting'
  readonly client = '10.0.0.1'
  readonly #harness: Harness
  readonly #queue: DialQueue
  readonly name: string

  constructor(harness: Harness, queue: DialQueue, name = '') {
    this.name = name
    this.#harness = harness
    this.#queue = queue
    harness.descriptors.countExisting(queue.share)
    if (harness.dials.tryStart(queue) || harness.dials.tryStartAtCostOfOthers(queue, this, 0)) this.onTurn()
    else if (!harness.dials.enqueue(queue, this)) this.#close()
  }

  onTurn(): void {
    if (this.state !== 'waiting') throw new Error(`the dial of a client that is ${this.state} got another turn`)
    this.state = 'dialing'
    this.#harness.granted.push(this)
    if (this.#harness.failsAtOnce) this.fail()
  }

  giveUpPlace(): void {
    this.#harness.dials.giveUp(this.#queue, this)
    this.#close()
  }

  start(): void {
    throw new Error('the budget does not start dials')
  }

  connect(): void {
    this.state = 'connected'
    this.#harness.dials.complete(this.#queue)
  }

  /** No endpoint took the connection. */
  fail(): void {
    const { dials } = this.#harness
    this.state = 'closed'
    dials.fail(this.#queue)
    this.#close()
  }

  /** The kernel had no descriptor for the dial; the client waits again. */
  failWithoutDescriptor(): void {
    const { dials } = this.#harness
    dials.failWithoutDescriptor(this.#queue)
    this.state = 'waiting'
    if (!dials.enqueue(this.#queue, this)) this.#close()
  }

  /** The client has waited too long. */
  shed(): void {
    this.#harness.dials.shed(this.#queue, this)
    this.#close()
  }

  /** The client leaves, in any state. */
  disconnect(): void {
    const { dials, descriptors } = this.#harness
    if (this.state === 'waiting') dials.dequeue(this.#queue, this)
    else if (this.state === 'dialing') dials.fail(this.#queue)
    else descriptors.release(this.#queue.share)
    this.#close()
  }

  #close(): void {
    this.state = 'closed'
    this.#harness.descriptors.release(this.#queue.share)
  }
}

/** The queue of a listener that never gives up a connection for others. */
function newQueue(): DialQueue {
  const user = { giveUpOne: () => undefined, giveUpOneFor: () => undefined, noteIdle: () => undefined }
  return new DialQueue(new DescriptorShare(user))
}

class Harness {
  readonly descriptors: DescriptorBudget
  readonly dials: DialBudget
  /** Clients that were dialled for, in this order. */
  readonly granted: Client[] = []
  /** Whether dials fail as soon as they begin. */
  failsAtOnce = false

  constructor(limit: number) {
    this.descriptors = new DescriptorBudget(limit)
    this.dials = new DialBudget(this.descriptors)
  }

  /** The client whose dial is in progress for the longest time. */
  get oldest(): Client {
    return this.granted.find(({ state }) => state === 'dialing')!
  }

  connectClients(queue: DialQueue, count: number, name = ''): Client[] {
    return Array.from({ length: count }, (_, n) => new Client(this, queue, `${name}${n}`))
  }
}

const statesOf = (states: readonly Client[]) => states.map(({ state }) => state)
const countOf = (clients: readonly Client[], state: Client['state']) =>
  clients.filter(client => client.state === state).length

t.test('the limit of dials is a share of the open files, and never above what conntrack holds', t => {
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

// The limit is 60 dials.
for (const [silent, each] of [
  [1, 30],
  [2, 20],
  [3, 15],
  [5, 10],
  [9, 6],
  [29, 2],
  [59, 1],
] as const) {
  t.test(
    `${silent} listeners with silent endpoints settle at ${each} dials each, and leave as many to other listeners`,
    t => {
      const harness = new Harness(960)
      const queues = Array.from({ length: silent }, () => newQueue())
      // A new client comes for each dial that ends.
      for (let round = 0; round < 300; round++) {
        for (const queue of queues) harness.connectClients(queue, round === 0 ? 31 : 1)
        for (const _ of queues) harness.oldest.fail()
      }
      const held = queues.map(({ inProgress }) => inProgress)
      const left = 60 - harness.dials.counts().used
      for (const value of [...held, left]) t.ok(Math.abs(value - each) <= 1, `${held.join(' ')}, left ${left}`)
      const healthy = newQueue()
      t.equal(
        countOf(harness.connectClients(healthy, left), 'dialing'),
        Math.ceil(left / 2),
        'a listener that comes now gets half of the rest',
      )
      t.end()
    },
  )
}

t.test('with more silent listeners than dials, all listeners get the same number of turns', t => {
  const harness = new Harness(3200)
  const queues = Array.from({ length: 300 }, () => newQueue())
  for (let round = 0; round < 5; round++)
    for (const [n, queue] of queues.entries()) harness.connectClients(queue, 1, `${n} `)
  t.equal(harness.dials.counts().used, 200)
  for (let ended = 0; ended < 1000; ended++) harness.oldest.fail()
  const turns = queues.map((_, n) => harness.granted.filter(({ name }) => name.startsWith(`${n} `)).length)
  t.strictSame(turns, Array<number>(300).fill(4))
  t.end()
})

t.test('clients of a listener are served in the order of their arrival, and listeners take turns', t => {
  const harness = new Harness(200)
  // Use all dials but one.
  for (let n = 0; n < 11; n++) harness.connectClients(newQueue(), 1)
  const [a, b, c] = [newQueue(), newQueue(), newQueue()]
  const clients = [
    ...harness.connectClients(a, 6, 'a'),
    ...harness.connectClients(b, 2, 'b'),
    ...harness.connectClients(c, 3, 'c'),
  ]
  for (let ended = 0; ended < 10; ended++) clients.find(({ state }) => state === 'dialing')!.connect()
  const turns = harness.granted.slice(11).map(({ name }) => name)
  t.equal(turns.join(' '), 'a0 a1 b0 c0 a2 b1 c1 a3 c2 a4 a5')
  t.strictSame(harness.dials.counts(), { used: 12, limit: 12, waited: 10, shed: 0 })
  t.end()
})

t.test(
  'a silent listener uses half of the free descriptors, for dials and its queue, and then turns clients away',
  t => {
    const harness = new Harness(1096)
    const { descriptors, dials } = harness
    // 900 descriptors for pairs, 100 more for clients that wait for a descriptor.
    const others = harness.connectClients(newQueue(), 34)
    for (const client of others) client.connect()
    t.equal(descriptors.availableForPairs, 900 - 68)
    const silent = newQueue()
    const clients = harness.connectClients(silent, 1000)
    t.equal(countOf(clients, 'dialing'), 34)
    t.equal(countOf(clients, 'waiting'), (900 - 68 - 68) / 2)
    t.equal(countOf(clients.slice(-584), 'closed'), 584, 'the newest are turned away')
    t.strictSame(dials.counts(), { used: 34, limit: 68, waited: 382, shed: 584 })
    t.equal(descriptors.availableForPairs, 382)
    t.strictSame(statesOf(others), Array<string>(34).fill('connected'))
    let served = 0
    for (let queue = newQueue(); harness.connectClients(queue, 1)[0]!.state === 'dialing'; queue = newQueue()) {
      dials.complete(queue)
      served++
    }
    t.equal(served, 191, 'other listeners are served as long as there are descriptors')
    t.match(dials.counts(), { shed: 584 })
    t.match(descriptors.counts(), { waited: 1, shed: 0 }, 'then descriptors are short, not dials')
    t.equal(
      harness.connectClients(silent, 1)[0]!.state,
      'closed',
      'the rest is not for clients that would wait for a dial',
    )
    t.end()
  },
)

t.test('when descriptors are short, clients wait while there is room, and are served when some are released', t => {
  const harness = new Harness(146)
  const queue = newQueue()
  const connected = Array.from({ length: 22 }, () => {
    const [client] = harness.connectClients(newQueue(), 1)
    client!.connect()
    return client!
  })
  // 44 of the 45 for pairs are used; 5 more are for clients that wait.
  const clients = harness.connectClients(queue, 6)
  t.strictSame(statesOf(clients), ['waiting', 'waiting', 'waiting', 'closed', 'closed', 'closed'])
  t.match(harness.descriptors.counts(), { waited: 3, shed: 3 })
  t.match(harness.dials.counts(), { waited: 0, shed: 0 })
  connected[0]!.disconnect()
  t.strictSame(
    statesOf(clients.slice(0, 3)),
    ['waiting', 'waiting', 'waiting'],
    'all descriptors for pairs are still in use',
  )
  connected[1]!.disconnect()
  t.strictSame(statesOf(clients.slice(0, 3)), ['dialing', 'dialing', 'waiting'])
  clients[2]!.shed()
  t.match(harness.descriptors.counts(), { used: 44, waited: 3, shed: 4 })
  t.end()
})

t.test('clients that wait get the descriptors that a smaller reserve frees', t => {
  const harness = new Harness(200)
  harness.descriptors.reserve(92)
  const clients = Array.from({ length: 7 }, () => harness.connectClients(newQueue(), 1)[0]!)
  t.strictSame(statesOf(clients.slice(4)), ['dialing', 'waiting', 'closed'])
  harness.descriptors.reserve(0)
  t.equal(clients[5]!.state, 'dialing')
  t.end()
})

t.test('a client that leaves its queue, or waits there too long, gets no turn and makes room for others', t => {
  const harness = new Harness(160)
  const queue = newQueue()
  const fill = () => {
    const clients: Client[] = []
    while (clients.at(-1)?.state !== 'closed') clients.push(...harness.connectClients(queue, 1))
    return clients
  }
  const clients = fill()
  const room = countOf(clients, 'waiting')
  t.ok(room > 10)
  const waiting = clients.filter(({ state }) => state === 'waiting')
  waiting[0]!.disconnect()
  waiting[1]!.shed()
  t.match(harness.dials.counts(), { waited: room, shed: 2 })
  clients[0]!.connect()
  t.strictSame(statesOf(waiting.slice(0, 3)), ['closed', 'closed', 'dialing'])
  const gone = waiting.slice(3, 10)
  for (const client of gone) client.disconnect()
  t.equal(countOf(gone, 'closed'), 7)
  t.ok(countOf(fill(), 'waiting') >= 8, 'other clients wait in their places')
  t.end()
})

t.test(
  'when the kernel has no descriptor left before the budget is used up, no client tries until one is released',
  t => {
    const harness = new Harness(1000)
    const queue = newQueue()
    const [first, second, third] = harness.connectClients(queue, 3)
    for (const client of [first!, second!]) client.failWithoutDescriptor()
    t.strictSame(statesOf([first!, second!]), ['waiting', 'waiting'])
    t.match(harness.descriptors.counts(), { used: 4, waited: 2 })
    third!.connect()
    t.strictSame(statesOf([first!, second!]), ['dialing', 'dialing'])
    t.end()
  },
)

t.test('a long queue whose dials all fail at once is served to its end', t => {
  const harness = new Harness(200_000)
  const queue = newQueue()
  const clients = harness.connectClients(queue, 50_000)
  t.equal(countOf(clients, 'waiting'), 50_000 - 512)
  harness.failsAtOnce = true
  clients[0]!.fail()
  t.equal(countOf(clients, 'dialing'), 511)
  t.equal(countOf(clients, 'closed'), 50_000 - 511)
  t.end()
})

const seed = testSeed()

t.test(`after any sequence of events no count is lost, and no client waits that could be served (seed ${seed})`, t => {
  const random = seededRandom(seed)
  const pick = <T>(list: readonly T[]) => list[randomInt(random, list.length)]
  for (let run = 0; run < 30; run++) {
    const harness = new Harness(150 + randomInt(random, 600))
    const { dials, descriptors } = harness
    const queues = Array.from({ length: 1 + randomInt(random, 8) }, () => newQueue())
    let clients: Client[] = []
    for (let step = 0; step < 1000; step++) {
      const client = pick(clients)
      const action = random()
      if (action < 0.5 || client === undefined) clients.push(...harness.connectClients(pick(queues)!, 1))
      else if (action < 0.6) client.disconnect()
      else if (client.state === 'waiting') client.shed()
      else if (client.state === 'connected') client.disconnect()
      else if (action < 0.8) client.connect()
      else client.fail()
      clients = clients.filter(({ state }) => state !== 'closed')
      const used = countOf(clients, 'waiting') + 2 * (clients.length - countOf(clients, 'waiting'))
      const { used: inProgress, limit } = dials.counts()
      const couldStart = queues.some(
        queue => queue.waiting.size > 0 && queue.inProgress < limit - inProgress && descriptors.mayAcquire(queue.share),
      )
      const isSound =
        descriptors.counts().used === used &&
        inProgress === countOf(clients, 'dialing') &&
        queues.reduce((sum, queue) => sum + queue.waiting.size, 0) === countOf(clients, 'waiting') &&
        !couldStart
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

/** Opens a connection to which nothing happens. Like those of the fast path, it closes its sockets at once when it gives way. */
function openIdle(connections: ServiceConnections, descriptors: DescriptorBudget): void {
  const share = connections.descriptors
  const connection: OpenConnection = {
    ...{ bytesToEndpoint: 0, bytesToClient: 0, seenBytes: 0, seenAt: 0 },
    ...{ holding: undefined, older: undefined, newer: undefined },
    reset: () => {
      connections.remove(connection)
      for (let socket = 0; socket < 2; socket++) descriptors.release(share)
    },
  }
  for (let socket = 0; socket < 2; socket++) descriptors.countExisting(share)
  connections.add(connection, '10.0.0.9', 0)
}

t.test('a dial that a sweep starts at the cost of idle connections starts once', t => {
  const harness = new Harness(200)
  const idle = new ServiceConnections({ endQuiet: () => false })
  while (harness.descriptors.availableForPairs > 1) openIdle(idle, harness.descriptors)
  while (harness.descriptors.availableForPairs > 0) harness.descriptors.countExisting(idle.descriptors)
  const queue = newQueue()
  const clients = harness.connectClients(queue, 1)
  t.same(statesOf(clients), ['waiting'], 'nothing has been idle for long enough')
  for (const now of [2000, 4000, 6000, 8000]) harness.dials.sweep(now)
  t.same(statesOf(clients), ['dialing'])
  t.equal(harness.granted.length, 1)
  t.equal(queue.inProgress, 1)
  t.equal(queue.share.count, 2, 'a socket to its client, and one to its endpoint')
  t.end()
})

t.test(
  'a client that waits for a dial and gives up its place counts once: as rejected for the lack of a descriptor',
  t => {
    const harness = new Harness(200)
    const { descriptors, dials } = harness
    const greedy = new ServiceConnections({ endQuiet: () => false })
    const queue = new DialQueue(greedy.descriptors)
    greedy.addQueue(queue)
    const clients: Client[] = []
    while (countOf(clients, 'waiting') < 20) clients.push(...harness.connectClients(queue, 1))
    t.match(
      [dials.counts(), descriptors.counts()],
      [
        { waited: 20, shed: 0 },
        { waited: 0, shed: 0 },
      ],
    )
    const other = newQueue()
    descriptors.countExisting(other.share)
    t.ok(descriptors.acquireFromOthers(other.share, '10.0.0.2', 0))
    t.equal(countOf(clients, 'waiting'), 19)
    t.match([dials.counts(), descriptors.counts()], [{ shed: 0 }, { shed: 1, evicted: 0 }])
    t.end()
  },
)
