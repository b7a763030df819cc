import t from 'tap'
import { TokenBucket } from '../../lib/primitives/token-bucket.js'
import { SyncLoop } from '../../lib/control/sync-loop.js'
import { type IpFamily } from '../../lib/model/address.js'
import { type Log } from '../../lib/model/log.js'
import { ProxierHealth } from '../../lib/observe/proxier-health.js'
import { combineSyncObservers } from '../../lib/observe/sync-observer.js'
import { type RuleCounts } from '../../lib/observe/sync-observer.js'
import { ObjectStore } from '../../lib/snapshot/object-store.js'
import { makeApiEndpoint, makeApiNode, makeApiService, makeApiSlice } from '../support/api/api-objects.js'
import { failAndEndTest } from '../support/checks/fail-and-end-test.js'
import { ManualClock, settle } from '../support/clock/manual-clock.js'
import { MemoryProxier } from '../support/modes/memory-proxier.js'
import { randomInt, testSeed, seededRandom } from '../support/checks/seeded-random.js'

const SYNC_PERIOD = 30_000
const MIN_SYNC_PERIOD = 1000
/** The wall clock of the tests begins here: 2024-01-01. */
const EPOCH = Date.UTC(2024, 0, 1)

/** `synced 5 [1 2]`: took 5 ms, with two trigger times. */
function recordInto(events: string[]) {
  return {
    queued: () => void events.push('queued'),
    changed: (services: number, endpoints: number) => void events.push(`changed ${services} ${endpoints}`),
    synced: (_family: IpFamily, _at: number, ms: number, times: readonly number[]) =>
      void events.push(`synced ${ms} [${times.map(time => time - EPOCH).join(' ')}]`),
    rulesWritten: (_family: IpFamily, counts: readonly RuleCounts[]) =>
      void events.push(`written ${counts.map(({ written }) => written).join()}`),
    restoreFailed: () => void events.push('failed'),
  }
}

function createRig(options: { readonly minSyncPeriod?: number; readonly mayStart?: () => boolean } = {}) {
  const clock = new ManualClock()
  const events: string[] = []
  const lines: string[] = []
  const served: string[] = []
  const log: Log = {
    info: () => undefined,
    warn: message => lines.push(`warn ${message}`),
    error: (message, error, fields) => lines.push(`error ${message}: ${String(error)} ${JSON.stringify(fields)}`),
    enabled: () => true,
  }
  const proxier = new MemoryProxier(() => clock.now())
  /** The families whose rules were programmed, in order. */
  const programmed: string[] = []
  const health = new ProxierHealth({ families: ['IPv4'], timeoutMs: 2 * SYNC_PERIOD, startedAt: EPOCH })
  const store = new ObjectStore('node-a')
  const loop = new SyncLoop({
    store,
    proxier,
    modeSwitch: { onRulesProgrammed: family => programmed.push(family) },
    scope: { nodeName: 'node-a', families: ['IPv4'], rangesAtNodePorts: false },
    mayStart: options.mayStart ?? (() => true),
    onApplied: snapshot => served.push([...snapshot.ports.keys()].join(' ')),
    clock,
    wallTime: () => EPOCH + clock.now(),
    record: combineSyncObservers(health, recordInto(events)),
    log,
    syncPeriod: SYNC_PERIOD,
    checkPeriod: SYNC_PERIOD,
    minSyncPeriod: options.minSyncPeriod ?? MIN_SYNC_PERIOD,
  })
  store.subscribe({ onChange: loop.requestSync })
  const isHealthy = (): boolean => health.statusAt(EPOCH + clock.now()).healthy
  const programTimes = (): number[] => proxier.programCalls.map(({ at }) => at)
  return {
    clock,
    events,
    lines,
    served,
    programmed,
    proxier,
    store,
    loop,
    isHealthy,
    programTimes,
    take: () => events.splice(0),
  }
}

type Rig = ReturnType<typeof createRig>

/** The first lists: one Service with one endpoint; synced, and the burst of the rate limit is back. */
async function start(rig: Rig): Promise<void> {
  rig.store.replace('Service', [makeApiService()])
  rig.store.replace('EndpointSlice', [makeApiSlice()])
  await rig.clock.advance(5000)
  rig.take()
  rig.proxier.programCalls.length = 0
}

const KEY = 'IPv4/default/web:http/TCP'

function moveTo(rig: Rig, last: number): void {
  rig.store.upsert('Service', makeApiService({ clusterIP: `10.96.0.${last}` }))
}

function ruleOf({ proxier }: Rig): string | undefined {
  return proxier.kernel.get(KEY)
}

function at(ms: number): { triggerTime: string } {
  return { triggerTime: new Date(EPOCH + ms).toISOString() }
}

void t.test('Nothing is done before both lists are there, and then at once', async t => {
  const rig = createRig()
  rig.store.upsert('Service', makeApiService())
  rig.store.replace('Service', [makeApiService()])
  rig.store.upsert('Node', makeApiNode('node-a'))
  await rig.clock.advance(100_000)
  t.equal(rig.proxier.updateCount, 0)
  t.same(rig.take(), [])
  rig.store.replace('EndpointSlice', [])
  await rig.clock.advance(4)
  t.equal(rig.proxier.updateCount, 0, 'what comes together is gathered')
  await rig.clock.advance(1)
  t.same(rig.programTimes(), [100_005])
  t.equal(ruleOf(rig), '10.96.0.10:80')
  t.same(rig.take(), ['queued', 'changed 1 0', 'written 1', 'synced 0 []'], 'one sync, told once')
})

void t.test('What else is waited for holds up the first sync', async t => {
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
  t.equal(rig.served.at(-1), KEY, 'told when it is served')
  t.end()
})

void t.test('An empty cluster is synced too: chains and links have to be there', async t => {
  const rig = createRig()
  rig.store.replace('Service', [])
  rig.store.replace('EndpointSlice', [])
  await rig.clock.advance(10)
  t.equal(rig.proxier.programCalls.length, 1)
  t.same(rig.take(), ['queued', 'written 0', 'synced 0 []'])
})

void t.test('A change of endpoints reaches sockets at once, and writes no rules', async t => {
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

void t.test('Rules are written at most every minimum period, two times in a row after a quiet while', async t => {
  const rig = createRig()
  await start(rig)
  const startedAt = rig.clock.now()
  let last = 0
  for (let step = 0; step < 500; step++) {
    moveTo(rig, (last = 1 + (step % 200)))
    await rig.clock.advance(10)
  }
  await rig.clock.advance(2000)
  t.equal(ruleOf(rig), `10.96.0.${last}:80`, 'the last change is in the kernel')
  const times = rig.programTimes().map(time => time - startedAt)
  t.ok(times.length >= 7 && times.length <= 8, `${times.length} writes: ${times.join(' ')}`)
  t.ok(times[1]! < 100, 'the second one need not wait')
  for (const [index, time] of times.entries())
    if (index >= 2) t.ok(time - times[index - 2]! >= MIN_SYNC_PERIOD - 20, `write ${index} at ${time}`)
  for (const [index, time] of times.entries())
    if (index >= 2)
      t.ok(time - times[index - 1]! >= MIN_SYNC_PERIOD - 20, `write ${index} a period after the one before`)
})

void t.test('Without a minimum period every change is written', async t => {
  const rig = createRig({ minSyncPeriod: 0 })
  await start(rig)
  for (let last = 1; last <= 10; last++) {
    moveTo(rig, last)
    await rig.clock.advance(5)
    t.equal(ruleOf(rig), `10.96.0.${last}:80`)
  }
  t.equal(rig.proxier.programCalls.length, 10)
})

void t.test('A change that comes while an update runs gets an update of its own', async t => {
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
  t.equal(rig.proxier.updateCount, updateCount + 1, 'the first one is held')
  rig.proxier.updateGate.open()
  await rig.clock.advance(2000)
  t.equal(ruleOf(rig), '10.96.0.3:80')
  t.equal(rig.proxier.updateCount, updateCount + 3, 'one more for what came meanwhile, and one after the write')
  t.equal(rig.proxier.maxConcurrent, 1)
})

void t.test('A change of endpoints that comes while an update runs is not left behind', async t => {
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

void t.test('A change whose update still runs when rules are written goes on waiting', async t => {
  const rig = createRig()
  await start(rig)
  rig.proxier.programGate.close()
  moveTo(rig, 1)
  await rig.clock.advance(5)
  rig.proxier.updateGate.close()
  moveTo(rig, 2)
  await rig.clock.advance(5)
  rig.take()
  rig.proxier.programGate.open()
  await settle()
  t.same(rig.take(), ['written 1', 'synced 5 []', 'queued'])
  await rig.clock.advance(2 * SYNC_PERIOD)
  t.notOk(rig.isHealthy(), 'an update that never ends is noticed')
  rig.proxier.updateGate.open()
  await rig.clock.advance(2000)
  t.equal(ruleOf(rig), '10.96.0.2:80')
  t.ok(rig.isHealthy())
})

void t.test('A verification that comes due while rules are written follows them', async t => {
  const rig = createRig()
  await start(rig)
  await rig.clock.advance(20_000)
  rig.proxier.programGate.close()
  moveTo(rig, 1)
  await rig.clock.advance(15_000)
  rig.proxier.programGate.open()
  await rig.clock.advance(0)
  t.same(
    rig.proxier.programCalls.map(({ verify }) => verify),
    [false, true],
  )
})

void t.test(
  'A change that comes while rules are written is written next, and is not counted as synced before',
  async t => {
    const rig = createRig()
    await start(rig)
    rig.proxier.programGate.close()
    rig.store.upsert(
      'EndpointSlice',
      makeApiSlice({ name: 'web-2', endpoints: [makeApiEndpoint('10.244.0.7')], ...at(1) }),
    )
    moveTo(rig, 1)
    await rig.clock.advance(5)
    t.equal(rig.proxier.programCalls.length, 1)
    t.same(rig.take(), ['queued', 'queued', 'changed 1 1'])
    rig.store.upsert(
      'EndpointSlice',
      makeApiSlice({ name: 'web-3', endpoints: [makeApiEndpoint('10.244.0.8')], ...at(2) }),
    )
    moveTo(rig, 2)
    await rig.clock.advance(5)
    t.match(rig.proxier.endpoints.get(KEY), '10.244.0.8', 'sockets do not wait for rules')
    t.same(rig.take(), ['queued', 'queued', 'changed 1 1'])
    rig.proxier.programGate.open()
    await rig.clock.advance(0)
    t.equal(ruleOf(rig), '10.96.0.2:80', 'and are written')
    t.same(rig.take(), ['written 1', 'synced 5 [1]', 'queued', 'written 1', 'synced 0 [2]'])
    t.equal(rig.proxier.maxConcurrent, 1)
  },
)

void t.test(
  'A change of endpoints that comes while rules are written is synced after them, without another write',
  async t => {
    const rig = createRig()
    await start(rig)
    rig.proxier.programGate.close()
    moveTo(rig, 1)
    await rig.clock.advance(5)
    rig.store.upsert('EndpointSlice', makeApiSlice({ endpoints: [makeApiEndpoint('10.244.0.8')], ...at(2) }))
    await rig.clock.advance(5)
    t.equal(rig.proxier.endpoints.get(KEY), '10.244.0.8')
    rig.take()
    rig.proxier.programGate.open()
    await settle()
    t.same(rig.take(), ['written 1', 'synced 5 []', 'queued', 'synced 5 [2]'])
    t.equal(rig.proxier.programCalls.length, 1)
  },
)

void t.test('A write that never ends makes unhealthy, also when it is the second one', async t => {
  const rig = createRig()
  await start(rig)
  rig.proxier.programGate.close()
  moveTo(rig, 1)
  await rig.clock.advance(5)
  moveTo(rig, 2)
  await rig.clock.advance(5)
  rig.proxier.programGate.open()
  rig.proxier.programGate.close()
  await settle()
  t.equal(ruleOf(rig), '10.96.0.1:80')
  t.ok(rig.isHealthy())
  await rig.clock.advance(2 * SYNC_PERIOD)
  t.notOk(rig.isHealthy(), 'the second change waits for a write that does not end')
  rig.proxier.programGate.open()
  await settle()
  t.ok(rig.isHealthy())
  await rig.clock.advance(10 * SYNC_PERIOD)
  t.ok(rig.isHealthy(), 'and stays so when nothing happens')
})

void t.test('Rules are verified every sync period, and repaired where somebody changed them', async t => {
  const rig = createRig()
  await start(rig)
  await rig.clock.advance(SYNC_PERIOD)
  t.same(
    rig.proxier.programCalls.map(({ verify }) => verify),
    [true],
  )
  t.same(rig.lines, [], 'nothing was wrong, nothing is said')
  rig.proxier.kernel.clear()
  await rig.clock.advance(SYNC_PERIOD)
  t.equal(ruleOf(rig), '10.96.0.10:80')
  t.same(rig.lines, ['warn Rules had been changed by somebody else and were repaired'])
  await rig.clock.advance(10 * SYNC_PERIOD)
  t.same(
    rig.proxier.programCalls.map(({ verify }) => verify),
    Array(12).fill(true),
    'once in each period',
  )
})

void t.test('A change of ours is not taken for one of somebody else when the rules are verified', async t => {
  const rig = createRig()
  await start(rig)
  await rig.clock.advance(25_000 - 10)
  for (const last of [1, 2, 3]) {
    moveTo(rig, last)
    await rig.clock.advance(8)
  }
  await rig.clock.advance(SYNC_PERIOD)
  t.ok(rig.proxier.programCalls.some(({ verify }) => verify))
  t.equal(ruleOf(rig), '10.96.0.3:80')
  t.same(rig.lines, [])
})

void t.test('A write that fails is tried again after a pause that grows, reading the rules first', async t => {
  const rig = createRig()
  await start(rig)
  const startedAt = rig.clock.now()
  for (let i = 0; i < 8; i++) rig.proxier.programFailures.push(new Error('locked'))
  rig.store.upsert('EndpointSlice', makeApiSlice({ name: 'web-2', ...at(7) }))
  moveTo(rig, 1)
  await rig.clock.advance(5)
  t.same(rig.take(), ['queued', 'queued', 'changed 1 1', 'failed', 'queued'])
  t.equal(ruleOf(rig), '10.96.0.10:80', 'the old rules stay in force')
  await rig.clock.advance(200_000)
  const waits = rig.proxier.programCalls.map(({ at: time }, index, all) => time - (all[index - 1]?.at ?? startedAt))
  t.same(waits.slice(0, 9), [5, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  t.same(
    rig.proxier.programCalls.slice(0, 9).map(({ verify }) => verify),
    [false, ...Array<boolean>(8).fill(true)],
  )
  t.equal(ruleOf(rig), '10.96.0.1:80')
  t.same(
    rig
      .take()
      .filter(event => event.startsWith('synced'))
      .slice(0, 1),
    ['synced 0 [7]'],
    'trigger times are not lost',
  )
  t.equal(rig.lines.length, 8, 'each failure is told')
  t.match(
    rig.lines[1],
    'error Rules could not be written: the last ones stay in force: Error: locked {"family":"IPv4","retryMs":2000}',
  )
  t.notOk(
    rig.lines.some(line => line.includes('somebody else')),
    'and nobody else is blamed',
  )
})

void t.test('After a success the next failure begins with the shortest pause', async t => {
  const rig = createRig()
  await start(rig)
  for (const last of [1, 2]) {
    rig.proxier.programFailures.push(new Error('a'), new Error('b'))
    rig.proxier.programCalls.length = 0
    const startedAt = rig.clock.now()
    moveTo(rig, last)
    await rig.clock.advance(10_000)
    t.same(
      rig.programTimes().map(time => time - startedAt),
      [5, 1005, 3005],
    )
    t.equal(ruleOf(rig), `10.96.0.${last}:80`)
  }
})

void t.test('Changes while a failed write waits for its next try reach sockets, and rules with that try', async t => {
  const rig = createRig()
  await start(rig)
  rig.proxier.programFailures.push(new Error('a'), new Error('b'), new Error('c'))
  moveTo(rig, 1)
  for (let step = 0; step < 50; step++) {
    await rig.clock.advance(100)
    rig.store.upsert('EndpointSlice', makeApiSlice({ endpoints: [makeApiEndpoint(`10.244.0.${step}`)] }))
    moveTo(rig, 100 + step)
    await rig.clock.advance(5)
    t.equal(rig.proxier.endpoints.get(KEY), `10.244.0.${step}`)
  }
  t.equal(rig.proxier.programCalls.length, 3, 'changes do not hurry the next try')
  await rig.clock.advance(20_000)
  t.equal(ruleOf(rig), '10.96.0.149:80')
})

void t.test('A listener that could not be opened is tried again', async t => {
  const rig = createRig()
  await start(rig)
  rig.proxier.updateFailures.push(1, 1)
  rig.store.upsert('EndpointSlice', makeApiSlice({ endpoints: [makeApiEndpoint('10.244.0.8')] }))
  await rig.clock.advance(10)
  const updates = rig.proxier.updateCount
  await rig.clock.advance(12_000)
  t.equal(rig.proxier.updateCount, updates + 2, 'until it succeeds')
  await rig.clock.advance(5000)
  t.equal(rig.proxier.updateCount, updates + 2)
})

void t.test('When it is stopped nothing is begun any more, and what runs is waited for', async t => {
  for (const gate of ['updateGate', 'programGate'] as const) {
    const rig = createRig()
    await start(rig)
    rig.proxier[gate].close()
    moveTo(rig, 1)
    await rig.clock.advance(5)
    let stopped = false
    const stopping = rig.loop.stop().then(() => (stopped = true))
    await settle()
    t.notOk(stopped, `${gate}: waits`)
    moveTo(rig, 2)
    rig.proxier[gate].open()
    await stopping
    const { updateCount, programCalls } = rig.proxier
    const count = programCalls.length
    await rig.clock.advance(10 * SYNC_PERIOD)
    t.same(
      [rig.proxier.updateCount, rig.proxier.programCalls.length],
      [updateCount, count],
      `${gate}: nothing after the end`,
    )
    t.equal(rig.clock.pendingTimers, 0, `${gate}: no timer is left`)
  }
})

void t.test('A write that fails while it is stopped is not tried again', async t => {
  const rig = createRig()
  await start(rig)
  rig.proxier.programGate.close()
  rig.proxier.programFailures.push(new Error('locked'))
  moveTo(rig, 1)
  await rig.clock.advance(5)
  const stopping = rig.loop.stop()
  rig.proxier.programGate.open()
  await stopping
  t.equal(rig.clock.pendingTimers, 0)
  t.equal(ruleOf(rig), '10.96.0.10:80')
})

void t.test('The snapshot that is served can be asked for', async t => {
  const rig = createRig()
  t.equal(rig.loop.snapshot.ports.size, 0)
  await start(rig)
  t.same([...rig.loop.snapshot.ports.keys()], [KEY])
})

const seed = testSeed()

void t.test(`The last change is never lost, whatever happens when (SEED=${seed})`, async t => {
  const random = seededRandom(seed)
  for (let round = 0; round < 60; round++) {
    const rig = createRig({ minSyncPeriod: random() < 0.2 ? 0 : MIN_SYNC_PERIOD })
    const { store, proxier, clock } = rig
    store.replace('Service', [])
    store.replace('EndpointSlice', [])
    const told = { times: 0 }
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
        told.times++
      } else if (action < 0.65) proxier.programFailures.push(new Error('now and then'))
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
    const wanted = JSON.stringify(
      [...store.services.values()].map(({ name, clusterIPs }) => [name, clusterIPs[0]]).sort(),
    )
    const got = JSON.stringify(
      [...proxier.kernel].map(([key, rule]) => [key.split(/[/:]/)[2], rule.split(':')[0]]).sort(),
    )
    if (wanted !== got) return failAndEndTest(t, `round ${round}: wanted ${wanted}, the kernel has ${got}`)
    for (const { name } of store.services.values()) {
      const ips = [...store.slicesOf(`default/${name}`)]
        .flatMap(({ endpoints }) => endpoints.map(({ ip }) => ip))
        .join(' ')
      const served = proxier.endpoints.get(`IPv4/default/${name}:http/TCP`)
      if (served !== ips) return failAndEndTest(t, `round ${round}: ${name} wants ${ips}, sockets have ${served}`)
    }
    if (proxier.maxConcurrent > 1) return failAndEndTest(t, `round ${round}: two at once`)
    if (!rig.isHealthy()) return failAndEndTest(t, `round ${round}: not healthy in the end`)
    const carried = rig.events
      .filter(event => event.startsWith('synced'))
      .flatMap(event =>
        event
          .match(/\[(.*)\]/)![1]!
          .split(' ')
          .filter(Boolean),
      )
    if (carried.length !== told.times)
      return failAndEndTest(t, `round ${round}: ${told.times} times in, ${carried.length} out`)
    await rig.loop.stop()
  }
  t.pass('60 rounds')
})

void t.test('A rate limit allows a burst, then one in each period', t => {
  /** `[at, wait]`: what must be waited at that time; a number alone: taken then. */
  const table: readonly {
    name: string
    period: number
    burst: number
    steps: readonly (number | [number, number])[]
  }[] = [
    { name: 'a burst at first', period: 1000, burst: 2, steps: [[0, 0], 0, [0, 0], 0, [0, 1000]] },
    {
      name: 'then a period',
      period: 1000,
      burst: 2,
      steps: [0, 0, [400, 600], [999, 1], [1000, 0], 1000, [1000, 1000]],
    },
    {
      name: 'a quiet while gives the burst back',
      period: 1000,
      burst: 2,
      steps: [0, 0, [2000, 0], 2000, [2000, 0], 2000, [2000, 1000]],
    },
    { name: 'and no more than it', period: 1000, burst: 2, steps: [0, 0, 90_000, 90_000, [90_000, 1000]] },
    { name: 'half a period gives nothing yet', period: 1000, burst: 1, steps: [0, [500, 500], [500, 500], [1000, 0]] },
    {
      name: 'taking too early is paid back',
      period: 1000,
      burst: 1,
      steps: [0, 0, [0, 2000], [1000, 1000], [2000, 0]],
    },
    { name: 'no period, no wait', period: 0, burst: 2, steps: [0, 0, 0, [0, 0], 0, [0, 0]] },
    { name: 'a clock that begins late', period: 1000, burst: 2, steps: [1e9, 1e9, [1e9, 1000]] },
  ]
  for (const { name, period, burst, steps } of table) {
    const limit = new TokenBucket({ burst, refillMs: period })
    for (const step of steps) {
      if (typeof step === 'number') limit.take(step)
      else t.equal(Math.round(limit.wait(step[0])), step[1], `${name}, at ${step[0]}`)
    }
  }
  t.end()
})
