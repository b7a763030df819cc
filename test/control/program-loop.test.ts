import t from 'tap'
import { makeApiEndpoint, makeApiService, makeApiSlice } from '../support/api/api-objects.js'
import { settle } from '../support/clock/manual-clock.js'
import { KEY, MIN_SYNC_PERIOD, SYNC_PERIOD, at, createRig, moveTo, ruleOf, start } from './sync-rig.js'

t.test('rules are written once per minimum period, and twice in a row after a pause', async t => {
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
  t.ok(times[1]! < 100, 'the second one does not wait')
  for (const [index, time] of times.entries())
    if (index >= 2) t.ok(time - times[index - 2]! >= MIN_SYNC_PERIOD - 20, `write ${index} at ${time}`)
  for (const [index, time] of times.entries())
    if (index >= 2)
      t.ok(time - times[index - 1]! >= MIN_SYNC_PERIOD - 20, `write ${index} a period after the one before`)
})

t.test('without a minimum period every change is written', async t => {
  const rig = createRig({ minSyncPeriod: 0 })
  await start(rig)
  for (let last = 1; last <= 10; last++) {
    moveTo(rig, last)
    await rig.clock.advance(5)
    t.equal(ruleOf(rig), `10.96.0.${last}:80`)
  }
  t.equal(rig.proxier.programCalls.length, 10)
})

t.test('a change whose update still runs when rules are written keeps waiting', async t => {
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
  t.notOk(rig.isHealthy(), 'a stuck update is noticed')
  rig.proxier.updateGate.open()
  await rig.clock.advance(2000)
  t.equal(ruleOf(rig), '10.96.0.2:80')
  t.ok(rig.isHealthy())
})

t.test('a verification that is due during a write follows that write', async t => {
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

t.test('a change that arrives during a write is written next, and is not recorded as synced before', async t => {
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
  t.equal(ruleOf(rig), '10.96.0.2:80', 'the second change is written')
  t.same(rig.take(), ['written 1', 'synced 5 [1]', 'queued', 'written 1', 'synced 0 [2]'])
  t.equal(rig.proxier.maxConcurrent, 1)
})

t.test('a change of endpoints that arrives during a write is synced after it, without another write', async t => {
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
})

t.test('a write that never ends makes the proxy unhealthy, also if it is the second one', async t => {
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
  t.notOk(rig.isHealthy(), 'the second change waits for a stuck write')
  rig.proxier.programGate.open()
  await settle()
  t.ok(rig.isHealthy())
  await rig.clock.advance(10 * SYNC_PERIOD)
  t.ok(rig.isHealthy(), 'it stays healthy while nothing changes')
})

t.test('rules are verified every sync period, and repaired if another program changed them', async t => {
  const rig = createRig()
  await start(rig)
  await rig.clock.advance(SYNC_PERIOD)
  t.same(
    rig.proxier.programCalls.map(({ verify }) => verify),
    [true],
  )
  t.same(rig.lines, [], 'nothing is logged if the rules are correct')
  rig.proxier.kernel.clear()
  await rig.clock.advance(SYNC_PERIOD)
  t.equal(ruleOf(rig), '10.96.0.10:80')
  t.same(rig.lines, ['warn Another program had changed the rules; repaired them'])
  await rig.clock.advance(10 * SYNC_PERIOD)
  t.same(
    rig.proxier.programCalls.map(({ verify }) => verify),
    Array(12).fill(true),
    'once per period',
  )
})

t.test('the first change by another program is repaired at once; many changes cause few checks', async t => {
  const rig = createRig()
  await start(rig)
  for (const pauseMs of [100, 500]) {
    rig.proxier.kernel.clear()
    rig.loop.checkRules('IPv4')
    await rig.clock.advance(pauseMs - 1)
    t.equal(ruleOf(rig), undefined, 'one check is for all changes that come together')
    await rig.clock.advance(1)
    t.equal(ruleOf(rig), '10.96.0.10:80')
    t.strictSame(rig.lines.splice(0), ['warn Another program had changed the rules; repaired them'])
  }
  const before = rig.proxier.programCalls.length
  for (let n = 0; n < 100; n++) {
    rig.loop.checkRules('IPv4')
    await rig.clock.advance(20)
  }
  const checks = rig.proxier.programCalls.length - before
  t.ok(checks >= 1 && checks <= 5, `${checks} checks in 2 s`)
})

t.test(
  'changes that come together are repaired after the last one, and no later than half a second after the first',
  async t => {
    const table: readonly (readonly [changes: number, checkedAt: number])[] = [
      [3, 260],
      [20, 500],
    ]
    for (const [changes, checkedAt] of table) {
      const rig = createRig()
      await start(rig)
      const before = rig.proxier.programCalls.length
      const startedAt = rig.clock.now()
      for (let n = 0; n < changes; n++) {
        rig.loop.checkRules('IPv4')
        await rig.clock.advance(80)
      }
      await rig.clock.advance(100)
      t.equal(rig.proxier.programCalls[before]!.at - startedAt, checkedAt)
    }
  },
)

t.test('checks because of other programs take a second at once, and 2 % of the time in the long run', async t => {
  const rig = createRig({ minSyncPeriod: 0, checkPeriod: 20 * SYNC_PERIOD })
  await start(rig)
  const { programCalls: calls, programGate: gate } = rig.proxier
  const startedAt = rig.clock.now()
  gate.close()
  for (let seen = 0; rig.clock.now() < startedAt + 200_000; await rig.clock.advance(20)) {
    rig.loop.checkRules('IPv4')
    if (seen === calls.length || rig.clock.now() < calls[seen]!.at + 400) continue
    // This check has taken 400 ms.
    seen++
    gate.open()
    await settle()
    gate.close()
  }
  const times = rig.programTimes().map(time => time - startedAt)
  t.ok(times[2]! < 3000, `the first edits are repaired soon: ${times.join(' ')}`)
  const late = times.filter(time => time >= 20_000)
  t.ok(late.length >= 8 && late.length <= 10, 'then one each 20 s')
})

t.test('a check because of another program does not delay the regular one', async t => {
  const rig = createRig()
  await start(rig)
  await rig.clock.advance(SYNC_PERIOD)
  const regularAt = rig.programTimes().at(-1)!
  await rig.clock.advance(regularAt + SYNC_PERIOD - 200 - rig.clock.now())
  rig.loop.checkRules('IPv4')
  await rig.clock.advance(SYNC_PERIOD)
  t.same(
    rig.programTimes().filter(time => time >= regularAt),
    [regularAt, regularAt + SYNC_PERIOD - 100, regularAt + SYNC_PERIOD],
  )
})

t.test('where a check takes long, the first one waits for changes that come together', async t => {
  const rig = createRig()
  await start(rig)
  rig.proxier.programGate.close()
  rig.loop.checkRules('IPv4')
  await rig.clock.advance(100 + 1200)
  rig.proxier.programGate.open()
  await rig.clock.advance(10_000)
  const before = rig.proxier.programCalls.length
  rig.loop.checkRules('IPv4')
  await rig.clock.advance(499)
  t.equal(rig.proxier.programCalls.length, before)
  await rig.clock.advance(1)
  t.equal(rig.proxier.programCalls.length, before + 1)
})

t.test('a change by another program before the first update writes nothing, and the first write checks it', async t => {
  const rig = createRig()
  rig.loop.checkRules('IPv4')
  await rig.clock.advance(5000)
  t.same(rig.proxier.programCalls, [], 'what an earlier process left stays')
  rig.store.replace('Service', [makeApiService()])
  rig.store.replace('EndpointSlice', [makeApiSlice()])
  await rig.clock.advance(1000)
  t.match(rig.proxier.programCalls[0], { verify: true })
  t.equal(ruleOf(rig), '10.96.0.10:80')
})

t.test('a verification does not blame another program for the own changes of the proxy', async t => {
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

t.test('a failed write is repeated after a growing pause, and reads the rules first', async t => {
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
  t.equal(rig.lines.length, 8, 'each failure is logged')
  t.match(
    rig.lines[1],
    'error Cannot write the rules; the last ones stay in force: Error: locked {"family":"IPv4","retryMs":2000}',
  )
  t.notOk(
    rig.lines.some(line => line.includes('Another program')),
    'no other program is blamed',
  )
})

t.test('after a success the next failure starts with the shortest pause', async t => {
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

t.test(
  'changes between a failed write and the next attempt reach sockets at once, and rules with that attempt',
  async t => {
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
    t.equal(rig.proxier.programCalls.length, 3, 'changes do not make the next attempt earlier')
    await rig.clock.advance(20_000)
    t.equal(ruleOf(rig), '10.96.0.149:80')
  },
)

t.test('a write that fails during a stop is not repeated', async t => {
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

t.test('the first sync, a check and a retry cover all rules; other syncs cover what has changed', async t => {
  const rig = createRig()
  await start(rig)
  t.strictSame(rig.extents, ['full'], 'the first one')
  moveTo(rig, 1)
  await rig.clock.advance(2000)
  rig.store.upsert('EndpointSlice', makeApiSlice({ endpoints: [makeApiEndpoint('10.244.0.6')] }))
  await rig.clock.advance(2000)
  t.strictSame(rig.extents.splice(0), ['full', 'partial', 'partial'], 'changes, with and without a write of rules')
  await rig.clock.advance(SYNC_PERIOD)
  t.strictSame(rig.extents.splice(0), ['full'], 'a check')
  rig.proxier.programFailures.push(new Error('busy'))
  moveTo(rig, 2)
  await rig.clock.advance(5000)
  t.strictSame(rig.extents, ['failed partial', 'full'], 'a failed write and its retry')
})

t.test('a check that is waited for is over when one that started later has repaired the rules', async t => {
  const rig = createRig()
  await start(rig)
  rig.proxier.kernel.clear()
  rig.proxier.programFailures.push(new Error('locked'))
  let isOver = false
  void rig.loop.verifyRules().then(() => (isOver = true))
  await rig.clock.advance(10)
  t.notOk(isOver, 'the first check has failed')
  await rig.clock.advance(1000)
  t.ok(isOver)
  t.equal(ruleOf(rig), '10.96.0.10:80')

  rig.proxier.programGate.close()
  moveTo(rig, 1)
  await rig.clock.advance(5000)
  isOver = false
  void rig.loop.verifyRules().then(() => (isOver = true))
  await settle()
  rig.proxier.programGate.open()
  await settle()
  t.notOk(isOver, 'the write that ran already does not count')
  await rig.clock.advance(1000)
  t.ok(isOver)
})

t.test('a check that is waited for writes nothing before the first update', async t => {
  const rig = createRig()
  let isOver = false
  void rig.loop.verifyRules().then(() => (isOver = true))
  await rig.clock.advance(5000)
  t.same(rig.proxier.programCalls, [])
  rig.store.replace('Service', [makeApiService()])
  rig.store.replace('EndpointSlice', [makeApiSlice()])
  await rig.clock.advance(1000)
  t.ok(isOver)
})

t.test('observers learn when a write has taken what it contains', async t => {
  const rig = createRig()
  await start(rig)
  const planned = rig.plans.length
  rig.proxier.programGate.close()
  moveTo(rig, 1)
  await rig.clock.advance(5)
  t.equal(rig.plans.length, planned + 1, 'while it runs')
  t.notMatch(rig.take(), ['synced'])
  rig.proxier.programGate.open()
  await settle()
  t.equal(rig.plans.length, planned + 1)
})
