import t from 'tap'
import { makeApiEndpoint, makeApiNode, makeApiService, makeApiSlice } from '../support/api/api-objects.js'
import { failAndEndTest } from '../support/checks/fail-and-end-test.js'
import { randomInt, seededRandom, testSeed } from '../support/checks/seeded-random.js'
import { settle } from '../support/clock/manual-clock.js'
import { KEY, MIN_SYNC_PERIOD, SYNC_PERIOD, at, createRig, moveTo, ruleOf, start } from './sync-rig.js'

t.test('the first sync starts when the lists of Services and EndpointSlices are complete', async t => {
  const rig = createRig()
  rig.store.upsert('Service', makeApiService())
  rig.store.replace('Service', [makeApiService()])
  rig.store.upsert('Node', makeApiNode('node-a'))
  await rig.clock.advance(100_000)
  t.equal(rig.proxier.updateCount, 0)
  t.same(rig.take(), [])
  rig.store.replace('EndpointSlice', [])
  await rig.clock.advance(4)
  t.equal(rig.proxier.updateCount, 0, 'it waits for changes that arrive together')
  await rig.clock.advance(1)
  t.same(rig.programTimes(), [100_005])
  t.equal(ruleOf(rig), '10.96.0.10:80')
  t.same(rig.take(), ['queued', 'changed 1 0', 'written 1', 'synced 0 []'], 'one sync, recorded once')
})

t.test('the first sync waits until mayStart allows it', async t => {
  let mayStart = false
  const rig = createRig({ mayStart: () => mayStart })
  rig.store.replace('Service', [makeApiService()])
  rig.store.replace('EndpointSlice', [makeApiSlice()])
  await rig.clock.advance(5000)
  t.same(rig.proxier.updateCount, 0)
  mayStart = true
  rig.loop.requestSync()
  await rig.clock.advance(5000)
  t.same(rig.proxier.endpoints, new Map([[KEY, '10.244.0.5']]))
  t.equal(rig.served.at(-1), KEY, 'onApplied gets what is served')
  t.end()
})

t.test('an empty cluster is synced too, because its chains and links must exist', async t => {
  const rig = createRig()
  rig.store.replace('Service', [])
  rig.store.replace('EndpointSlice', [])
  await rig.clock.advance(10)
  t.equal(rig.proxier.programCalls.length, 1)
  t.same(rig.take(), ['queued', 'written 0', 'synced 0 []'])
})

t.test('a change of endpoints reaches sockets at once and writes no rules', async t => {
  const rig = createRig()
  await start(rig)
  for (let last = 1; last <= 20; last++) {
    rig.store.upsert('EndpointSlice', makeApiSlice({ endpoints: [makeApiEndpoint(`10.244.0.${last}`)], ...at(last) }))
    await rig.clock.advance(5)
    t.equal(rig.proxier.endpoints.get(KEY), `10.244.0.${last}`)
    t.same(rig.take(), ['queued', 'changed 0 1', `synced 5 [${last}]`])
  }
  t.equal(rig.proxier.programCalls.length, 0)
})

t.test('a change that arrives during an update gets another update', async t => {
  const rig = createRig()
  await start(rig)
  const { updateCount } = rig.proxier
  rig.proxier.updateGate.close()
  moveTo(rig, 1)
  await rig.clock.advance(5)
  moveTo(rig, 2)
  await rig.clock.advance(5)
  moveTo(rig, 3)
  await rig.clock.advance(5)
  t.equal(rig.proxier.updateCount, updateCount + 1, 'the first one still runs')
  rig.proxier.updateGate.open()
  await rig.clock.advance(2000)
  t.equal(ruleOf(rig), '10.96.0.3:80')
  t.equal(rig.proxier.updateCount, updateCount + 3, 'one for the later changes, and one after the write')
  t.equal(rig.proxier.maxConcurrent, 1)
})

t.test('a change of endpoints that arrives during an update is not lost', async t => {
  const rig = createRig()
  await start(rig)
  rig.proxier.updateGate.close()
  rig.store.upsert('EndpointSlice', makeApiSlice({ endpoints: [makeApiEndpoint('10.244.0.8')], ...at(1) }))
  await rig.clock.advance(5)
  rig.store.upsert('EndpointSlice', makeApiSlice({ endpoints: [makeApiEndpoint('10.244.0.9')], ...at(2) }))
  await rig.clock.advance(5)
  rig.proxier.updateGate.open()
  await settle()
  t.equal(rig.proxier.endpoints.get(KEY), '10.244.0.9')
  t.same(rig.take(), ['queued', 'changed 0 1', 'queued', 'changed 0 1', 'synced 10 [1 2]'])
})

t.test('the loop tries again to open a listener that could not be opened', async t => {
  const rig = createRig()
  await start(rig)
  rig.proxier.updateFailures.push(1, 1)
  rig.store.upsert('EndpointSlice', makeApiSlice({ endpoints: [makeApiEndpoint('10.244.0.8')] }))
  await rig.clock.advance(10)
  const updates = rig.proxier.updateCount
  await rig.clock.advance(12_000)
  t.equal(rig.proxier.updateCount, updates + 2, 'the loop tries until it succeeds')
  await rig.clock.advance(5000)
  t.equal(rig.proxier.updateCount, updates + 2)
})

t.test('it tries again soon at first, and later every five seconds', async t => {
  const rig = createRig()
  await start(rig)
  rig.proxier.updateFailures.push(...Array.from({ length: 20 }, () => 1))
  rig.store.upsert('EndpointSlice', makeApiSlice({ endpoints: [makeApiEndpoint('10.244.0.8')] }))
  await rig.clock.advance(5)
  const counts = []
  for (let count = rig.proxier.updateCount; counts.length < 7; count = rig.proxier.updateCount) {
    const startedAt = rig.clock.now()
    while (rig.proxier.updateCount === count) await rig.clock.advance(100)
    counts.push(rig.clock.now() - startedAt)
  }
  t.strictSame(counts, [200, 400, 800, 1600, 3200, 5000, 5000])
})

t.test('no rules are written while the first update fails, and the next one that succeeds is written', async t => {
  const rig = createRig()
  rig.proxier.updateErrors.push(new Error('out of order'), new Error('out of order'))
  rig.store.replace('Service', [makeApiService()])
  rig.store.replace('EndpointSlice', [makeApiSlice()])
  await rig.clock.advance(300)
  t.equal(rig.proxier.updateCount, 2)
  t.equal(rig.proxier.programCalls.length, 0, 'the rules that it knows have no Services')
  await rig.clock.advance(20_000)
  t.ok(rig.proxier.updateCount >= 3)
  t.equal(ruleOf(rig), '10.96.0.10:80')
})

t.test('a stop waits for running work and starts nothing new', async t => {
  for (const gate of ['updateGate', 'programGate'] as const) {
    const rig = createRig()
    await start(rig)
    rig.proxier[gate].close()
    moveTo(rig, 1)
    await rig.clock.advance(5)
    let stopped = false
    const stopping = rig.loop.stop().then(() => (stopped = true))
    await settle()
    t.notOk(stopped, `${gate}: the stop waits`)
    moveTo(rig, 2)
    rig.proxier[gate].open()
    await stopping
    const { updateCount, programCalls } = rig.proxier
    const count = programCalls.length
    await rig.clock.advance(10 * SYNC_PERIOD)
    t.same(
      [rig.proxier.updateCount, rig.proxier.programCalls.length],
      [updateCount, count],
      `${gate}: nothing starts after the stop`,
    )
    t.equal(rig.clock.pendingTimers, 0, `${gate}: no timer is left`)
  }
})

t.test('the loop returns the snapshot that it serves', async t => {
  const rig = createRig()
  t.equal(rig.loop.snapshot.ports.size, 0)
  await start(rig)
  t.same([...rig.loop.snapshot.ports.keys()], [KEY])
})

const seed = testSeed()

t.test(`the last change is never lost, in any order of events (SEED=${seed})`, async t => {
  const random = seededRandom(seed)
  for (let round = 0; round < 60; round++) {
    const rig = createRig({ minSyncPeriod: random() < 0.2 ? 0 : MIN_SYNC_PERIOD })
    const { store, proxier, clock } = rig
    store.replace('Service', [])
    store.replace('EndpointSlice', [])
    const sent = { triggerTimes: 0 }
    for (let step = 0; step < 80; step++) {
      const action = random()
      const name = `s${randomInt(random, 3)}`
      if (action < 0.3)
        store.upsert('Service', makeApiService({ name, clusterIP: `10.96.0.${randomInt(random, 200)}` }))
      else if (action < 0.35) store.remove('Service', makeApiService({ name }))
      else if (action < 0.6) {
        const ip = `10.${round}.${step}.${randomInt(random, 200)}`
        store.upsert(
          'EndpointSlice',
          makeApiSlice({ name, service: name, endpoints: [makeApiEndpoint(ip)], ...at(step) }),
        )
        sent.triggerTimes++
      } else if (action < 0.65) proxier.programFailures.push(new Error('sometimes'))
      else if (action < 0.7) proxier.updateFailures.push(1)
      else if (action < 0.75) proxier.kernel.clear()
      else if (action < 0.8) proxier.updateGate.close()
      else if (action < 0.85) proxier.programGate.close()
      else if (action < 0.9) proxier.updateGate.open()
      else if (action < 0.95) proxier.programGate.open()
      await clock.advance([0, 1, 5, 50, 1000, 31_000][randomInt(random, 6)]!)
    }
    proxier.updateGate.open()
    proxier.programGate.open()
    proxier.programFailures.length = 0
    await clock.advance(3 * SYNC_PERIOD)
    const expected = JSON.stringify(
      [...store.services.values()].map(({ name, clusterIPs }) => [name, clusterIPs[0]]).sort(),
    )
    const actual = JSON.stringify(
      [...proxier.kernel].map(([key, rule]) => [key.split(/[/:]/)[2], rule.split(':')[0]]).sort(),
    )
    if (expected !== actual) return failAndEndTest(t, `round ${round}: expected ${expected}, the kernel has ${actual}`)
    for (const { name } of store.services.values()) {
      const ips = [...store.slicesOf(`default/${name}`)]
        .flatMap(({ endpoints }) => endpoints.map(({ ip }) => ip))
        .join(' ')
      const served = proxier.endpoints.get(`IPv4/default/${name}:http/TCP`)
      if (served !== ips)
        return failAndEndTest(t, `round ${round}: expected ${ips} for ${name}, sockets have ${served}`)
    }
    if (proxier.maxConcurrent > 1) return failAndEndTest(t, `round ${round}: two runs at the same time`)
    if (!rig.isHealthy()) return failAndEndTest(t, `round ${round}: not healthy at the end`)
    const recorded = rig.events
      .filter(event => event.startsWith('synced'))
      .flatMap(event =>
        event
          .match(/\[(.*)\]/)![1]!
          .split(' ')
          .filter(text => text !== ''),
      )
    if (recorded.length !== sent.triggerTimes)
      return failAndEndTest(t, `round ${round}: ${sent.triggerTimes} trigger times sent, ${recorded.length} recorded`)
    await rig.loop.stop()
  }
  t.pass('60 rounds')
})
