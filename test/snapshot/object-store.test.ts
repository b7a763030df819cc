import t from 'tap'
import { EMPTY_SNAPSHOT } from '../../lib/model/snapshot.js'
import { buildSnapshot } from '../../lib/snapshot/build-snapshot.js'
import { ObjectStore } from '../../lib/snapshot/object-store.js'
import { type ObjectProblems } from '../../lib/snapshot/problem-reporter.js'
import {
  makeApiEndpoint,
  makeApiEndpoints,
  makeApiNode,
  makeApiService,
  makeApiSlice,
} from '../support/api/api-objects.js'
import { failAndEndTest } from '../support/checks/fail-and-end-test.js'
import { randomInt, testSeed, seededRandom } from '../support/checks/seeded-random.js'

function createStore(nodeName = 'node-a') {
  const reported: ObjectProblems[] = []
  const counts = { changes: 0 }
  const store = new ObjectStore(nodeName)
  store.subscribe({ onChange: () => counts.changes++, onProblems: problems => reported.push(problems) })
  return { store, reported, counts }
}

/** What changed since the last time, as plain data. */
function takeSorted(store: ObjectStore) {
  const { services, endpoints, node, triggerTimes } = store.takeChanges()
  return { services: [...services].sort(), endpoints: [...endpoints].sort(), node, triggerTimes }
}

function ipsOf(store: ObjectStore, service = 'default/web'): string[] {
  return [...store.slicesOf(service)].flatMap(({ endpoints }) => endpoints.map(({ ip }) => ip)).sort()
}

const NOTHING = { services: [], endpoints: [], node: false, triggerTimes: [] }

void t.test('the store has synced only after a list of Services and one of endpoints', t => {
  const orders: readonly (readonly ['Service' | 'EndpointSlice' | 'Endpoints' | 'Node', boolean][])[] = [
    [
      ['Service', false],
      ['EndpointSlice', true],
    ],
    [
      ['EndpointSlice', false],
      ['Service', true],
    ],
    [
      ['Node', false],
      ['Service', false],
      ['Endpoints', true],
    ],
  ]
  for (const order of orders) {
    const { store, counts } = createStore()
    store.upsert('Service', makeApiService())
    store.upsert('EndpointSlice', makeApiSlice())
    t.notOk(store.hasSynced, 'single objects are not a list')
    for (const [kind, synced] of order) {
      counts.changes = 0
      store.replace(kind, [])
      t.equal(store.hasSynced, synced, kind)
      if (synced) t.equal(counts.changes, 1, 'reported, even if nothing else changed')
    }
  }
  t.end()
})

void t.test('a complete list shows added, changed and removed objects', t => {
  const { store, counts } = createStore()
  store.replace(
    'Service',
    ['a', 'b', 'c'].map(name => makeApiService({ name })),
  )
  t.same(takeSorted(store).services, ['default/a', 'default/b', 'default/c'])
  counts.changes = 0
  store.replace('Service', [makeApiService({ name: 'b' }), makeApiService({ name: 'c', clusterIP: '10.96.0.99' })])
  t.same(takeSorted(store).services, ['default/a', 'default/c'], 'a is gone, c changed, b did not')
  t.equal(counts.changes, 1, 'notified once for the whole list')
  t.same([...store.services.keys()].sort(), ['default/b', 'default/c'])
  store.replace('Service', [makeApiService({ name: 'b' }), makeApiService({ name: 'c', clusterIP: '10.96.0.99' })])
  t.same(takeSorted(store), NOTHING, 'the same list again is no change')

  store.replace('EndpointSlice', [
    makeApiSlice({ name: 'b-1', service: 'b' }),
    makeApiSlice({ name: 'b-2', service: 'b' }),
  ])
  t.same(takeSorted(store).endpoints, ['default/b'])
  store.replace('EndpointSlice', [makeApiSlice({ name: 'b-2', service: 'b' })])
  t.same(takeSorted(store).endpoints, ['default/b'])
  t.equal([...store.slicesOf('default/b')].length, 1)
  store.replace('EndpointSlice', [])
  t.same(takeSorted(store).endpoints, ['default/b'])
  t.equal([...store.slicesOf('default/b')].length, 0)

  store.replace('Endpoints', [makeApiEndpoints({ name: 'b' })])
  t.same(takeSorted(store).endpoints, ['default/b'])
  store.replace('Endpoints', [])
  t.same(takeSorted(store).endpoints, ['default/b'])

  store.replace('Node', [makeApiNode('node-a', { zone: 'z' })])
  t.equal(takeSorted(store).node, true)
  store.replace('Node', [])
  t.equal(takeSorted(store).node, true)
  t.equal(store.node, undefined)
  t.end()
})

void t.test('a change is reported once, and an equal object is no change', t => {
  const { store, counts } = createStore()
  store.upsert('Service', makeApiService())
  t.equal(counts.changes, 1)
  store.upsert('Service', makeApiService())
  store.upsert('Service', { ...makeApiService(), status: { loadBalancer: {} } })
  t.equal(counts.changes, 1, 'a field that is not read is no change')
  t.same(takeSorted(store).services, ['default/web'])
  t.same(takeSorted(store), NOTHING)
  store.remove('Service', makeApiService({ name: 'other' }))
  store.remove('EndpointSlice', makeApiSlice())
  store.remove('Endpoints', makeApiEndpoints())
  store.remove('Node', makeApiNode('node-a'))
  t.equal(counts.changes, 1, 'the removal of an unknown object is no change')
  store.remove('Service', makeApiService())
  t.equal(counts.changes, 2)
  t.same(takeSorted(store).services, ['default/web'])
  t.equal(store.services.size, 0)
  t.end()
})

void t.test('the number of pending changes can be read without taking them', t => {
  const { store } = createStore()
  for (const name of ['a', 'b']) store.upsert('Service', makeApiService({ name }))
  for (const name of ['a-1', 'a-2']) store.upsert('EndpointSlice', makeApiSlice({ name, service: 'a' }))
  t.same(store.pendingChanges, { services: 2, endpoints: 1 })
  store.takeChanges()
  t.same(store.pendingChanges, { services: 0, endpoints: 0 })
  t.end()
})

void t.test('a slice that moves to another Service leaves the first', t => {
  const { store } = createStore()
  store.upsert('EndpointSlice', makeApiSlice({ service: 'web' }))
  takeSorted(store)
  store.upsert('EndpointSlice', makeApiSlice({ service: 'other' }))
  t.same(takeSorted(store).endpoints, ['default/other', 'default/web'])
  t.same(ipsOf(store, 'default/web'), [])
  t.same(ipsOf(store, 'default/other'), ['10.244.0.5'])
  store.remove('EndpointSlice', makeApiSlice({ service: 'web' }))
  t.same(
    takeSorted(store).endpoints,
    ['default/other'],
    'removed from its current Service, not from the one in the last event',
  )
  t.same(ipsOf(store, 'default/other'), [])
  t.end()
})

void t.test('an object that becomes unusable is removed', t => {
  const { store } = createStore()
  store.upsert('EndpointSlice', makeApiSlice())
  store.upsert('Endpoints', makeApiEndpoints({ name: 'old' }))
  takeSorted(store)
  store.upsert('EndpointSlice', makeApiSlice({ addressType: 'FQDN' }))
  t.same(takeSorted(store).endpoints, ['default/web'])
  t.same(ipsOf(store), [])
  store.upsert('Endpoints', makeApiEndpoints({ name: 'old', subsets: [] }))
  t.same(takeSorted(store).endpoints, ['default/old'])
  t.end()
})

void t.test('an Endpoints object counts only without slices', t => {
  const { store } = createStore()
  store.upsert('Endpoints', makeApiEndpoints({ subsets: [{ addresses: [{ ip: '10.1.1.1' }], ports: [{ port: 1 }] }] }))
  t.same(ipsOf(store), ['10.1.1.1'])
  store.upsert('EndpointSlice', makeApiSlice())
  t.same(ipsOf(store), ['10.244.0.5'])
  store.remove('EndpointSlice', makeApiSlice())
  t.same(ipsOf(store), ['10.1.1.1'])
  t.end()
})

void t.test('the store has the Node of this proxy only', t => {
  const { store, counts } = createStore()
  store.replace('Node', [makeApiNode('node-b', { zone: 'z2' }), makeApiNode('node-a', { zone: 'z1' })])
  t.equal(store.node?.zone, 'z1')
  t.same(takeSorted(store), { ...NOTHING, node: true })
  counts.changes = 0
  store.upsert('Node', makeApiNode('node-b', { zone: 'z3' }))
  store.remove('Node', makeApiNode('node-b'))
  store.upsert('Node', makeApiNode('node-a', { zone: 'z1' }))
  t.equal(counts.changes, 0)
  store.upsert('Node', makeApiNode('node-a', { zone: 'z9' }))
  t.equal(takeSorted(store).node, true)
  store.remove('Node', makeApiNode('node-a'))
  t.equal(store.node, undefined)
  t.end()
})

void t.test('an absent or empty namespace is the default one', t => {
  for (const namespace of [undefined, null, '']) {
    const { store } = createStore()
    const unnamed = (raw: Record<string, unknown>) => ({
      ...raw,
      metadata: { ...(raw['metadata'] as Record<string, unknown>), namespace },
    })
    store.replace('Service', [unnamed(makeApiService())])
    store.replace('EndpointSlice', [unnamed(makeApiSlice())])
    t.same([...store.services.keys()], ['default/web'], JSON.stringify(namespace))
    const scope = { nodeName: 'node-a', families: ['IPv4'] as const, rangesAtNodePorts: false }
    const first = buildSnapshot(store, store.takeChanges(), scope, EMPTY_SNAPSHOT)
    t.equal(first.ports.get('IPv4/default/web:http/TCP')?.endpoints.length, 1)
    store.remove('Service', makeApiService())
    t.equal(buildSnapshot(store, store.takeChanges(), scope, first).ports.size, 0, 'and is removed by that name')
  }
  t.end()
})

void t.test('trigger times are returned once, and never for removals', t => {
  const { store } = createStore()
  const at = (seconds: number) => ({ triggerTime: new Date(seconds * 1000).toISOString() })
  store.upsert('EndpointSlice', makeApiSlice({ name: 'a', ...at(1) }))
  store.upsert('EndpointSlice', makeApiSlice({ name: 'b', ...at(2) }))
  store.upsert('EndpointSlice', makeApiSlice({ name: 'b', ...at(2) }))
  store.upsert('EndpointSlice', makeApiSlice({ name: 'c' }))
  t.same(takeSorted(store).triggerTimes, [1000, 2000])
  store.remove('EndpointSlice', makeApiSlice({ name: 'a', ...at(3) }))
  t.same(takeSorted(store).triggerTimes, [])
  t.end()
})

void t.test('an object with a version is decoded again only when its version changes', t => {
  const { store } = createStore()
  const versioned = (port: number, metadata: object) => {
    const service = makeApiService({ ports: [{ port }] })
    return { ...service, metadata: { ...(service['metadata'] as object), ...metadata } }
  }
  const port = () => store.services.get('default/web')?.ports[0]?.port
  for (const [number, metadata, expected, name] of [
    [80, { uid: 'a', resourceVersion: '5' }, 80, 'the first version'],
    [81, { uid: 'a', resourceVersion: '5' }, 80, 'the same version: it cannot differ'],
    [82, { uid: 'a', resourceVersion: '6' }, 82, 'the next one'],
    [83, { uid: 'b', resourceVersion: '6' }, 83, 'another object of that name'],
    [84, {}, 84, 'no version'],
    [85, {}, 85, 'no version either'],
    [86, { resourceVersion: '' }, 86, 'an empty version'],
  ] as const) {
    store.replace('Service', [versioned(number, metadata)])
    t.equal(port(), expected, name)
  }
  const last = versioned(90, { uid: 'b', resourceVersion: '9' })
  store.upsert('Service', last)
  store.remove('Service', last)
  store.upsert('Service', last)
  t.equal(port(), 90, 'an object that was removed and comes back')
  const broken = versioned(70_000, { uid: 'b', resourceVersion: '10' })
  store.upsert('Service', broken)
  store.replace('Service', [broken])
  t.equal(store.services.size, 1, 'its other fields are still used')
  t.end()
})

void t.test('wrong fields are reported once, when they change, and when they are gone', t => {
  const { store, reported } = createStore()
  const wrong = (port: number) => makeApiService({ ports: [{ name: 'http', port }] })
  const sentence = (port: number) => `spec.ports[0].port: expected a port from 1 to 65535, found ${port}`
  const take = () => reported.splice(0)
  const service = { namespace: 'default', name: 'web' }
  const report = (...problems: string[]) => [
    { kind: 'Service', name: 'default/web', problems, wrongFamily: [], service },
  ]
  store.upsert('Service', wrong(70_000))
  t.same(take(), report(sentence(70_000)))
  store.upsert('Service', wrong(70_000))
  store.replace('Service', [wrong(70_000)])
  t.same(take(), [], 'nothing new')
  store.upsert('Service', wrong(70_001))
  t.same(take(), report(sentence(70_001)))
  store.upsert('Service', makeApiService())
  t.same(take(), report())
  store.upsert('Service', makeApiService())
  t.same(take(), [])
  store.upsert('Service', wrong(70_000))
  store.remove('Service', wrong(70_000))
  t.equal(take().at(-1)?.problems.length, 0, 'gone, and its problem too')
  const slice = makeApiSlice({ name: 'web-7', endpoints: [makeApiEndpoint('fd00::5')] })
  store.upsert('EndpointSlice', slice)
  t.match(take(), [{ kind: 'EndpointSlice', name: 'default/web-7', wrongFamily: [/fd00::5/], service }])
  t.end()
})

void t.test('problems of an unusable object end when a list no longer has it', t => {
  const unusable: readonly (readonly ['Service' | 'EndpointSlice' | 'Endpoints', Record<string, unknown>])[] = [
    ['Service', makeApiService({ name: 'No Name' })],
    ['EndpointSlice', makeApiSlice({ addressType: 'IP' })],
    ['Endpoints', makeApiEndpoints({ name: 'No Name' })],
  ]
  for (const [kind, raw] of unusable) {
    const { store, reported } = createStore()
    store.replace(kind, [raw])
    t.equal(reported.length, 1, kind)
    store.replace(kind, [])
    t.same(reported.at(-1)?.problems, [], `${kind}: reported as gone`)
    store.replace(kind, [raw])
    t.equal(reported.length, 3, `${kind}: reported again when it comes back`)
  }
  t.end()
})

const seed = testSeed()

void t.test(`single events and complete lists give the same state (SEED=${seed})`, t => {
  const random = seededRandom(seed)
  const scope = { nodeName: 'node-a', families: ['IPv4'] as const, rangesAtNodePorts: false }
  for (let round = 0; round < 60; round++) {
    const { store: byEvents } = createStore()
    let snapshot = EMPTY_SNAPSHOT
    const services = new Map<string, Record<string, unknown>>()
    const slices = new Map<string, Record<string, unknown>>()
    for (let step = 0; step < 40; step++) {
      const service = `s${randomInt(random, 4)}`
      const isSlice = random() < 0.6
      const name = isSlice ? `slice-${randomInt(random, 6)}` : service
      const [kind, known] = isSlice ? (['EndpointSlice', slices] as const) : (['Service', services] as const)
      const raw = isSlice
        ? makeApiSlice({ name, service, endpoints: [makeApiEndpoint(`10.244.0.${randomInt(random, 9)}`)] })
        : makeApiService({ name, clusterIP: random() < 0.2 ? 'None' : `10.96.0.${randomInt(random, 9)}` })
      if (random() < 0.3) {
        byEvents.remove(kind, raw)
        known.delete(name)
      } else {
        byEvents.upsert(kind, raw)
        known.set(name, raw)
      }
      if (random() < 0.3) snapshot = buildSnapshot(byEvents, byEvents.takeChanges(), scope, snapshot)
    }
    snapshot = buildSnapshot(byEvents, byEvents.takeChanges(), scope, snapshot)
    const { store: byLists } = createStore()
    byLists.replace('Service', [...services.values()])
    byLists.replace('EndpointSlice', [...slices.values()])
    const fresh = buildSnapshot(byLists, byLists.takeChanges(), scope, EMPTY_SNAPSHOT)
    const sorted = (ports: typeof fresh.ports) => [...ports].sort(([a], [b]) => (a < b ? -1 : 1))
    if (JSON.stringify(sorted(snapshot.ports)) !== JSON.stringify(sorted(fresh.ports)))
      return failAndEndTest(
        t,
        `round ${round}: ${JSON.stringify({ byEvents: sorted(snapshot.ports), byLists: sorted(fresh.ports) })}`,
      )
  }
  t.pass('60 rounds')
  t.end()
})
