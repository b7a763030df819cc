import t from 'tap'
import { ObjectStore } from '../../lib/snapshot/object-store.js'
import { EMPTY_SNAPSHOT } from '../../lib/model/snapshot.js'
import { buildSnapshot } from '../../lib/snapshot/build-snapshot.js'
import { makeApiEndpoint, makeApiNode, makeApiService, makeApiSlice } from '../support/api/api-objects.js'

void t.test('unchanged entries are the same objects in the next snapshot, in the same order', t => {
  const store = new ObjectStore('node-a')
  const scope = { nodeName: 'node-a', families: ['IPv4'] as const, rangesAtNodePorts: false }
  store.replace(
    'Service',
    ['a', 'b', 'c'].map((name, i) => makeApiService({ name, clusterIP: `10.96.0.${i}` })),
  )
  store.replace(
    'EndpointSlice',
    ['a', 'b', 'c'].map(name => makeApiSlice({ name: `${name}-1`, service: name })),
  )
  const first = buildSnapshot(store, store.takeChanges(), scope, EMPTY_SNAPSHOT)
  const keys = ['a', 'b', 'c'].map(name => `IPv4/default/${name}:http/TCP`)
  t.same([...first.ports.keys()], keys)

  store.upsert('EndpointSlice', makeApiSlice({ name: 'a-1', service: 'a', endpoints: [makeApiEndpoint('10.244.0.9')] }))
  const second = buildSnapshot(store, store.takeChanges(), scope, first)
  t.equal(second.generation, first.generation + 1)
  t.same([...second.ports.keys()], keys, 'a change of endpoints does not change the order, which rules follow')
  t.not(second.ports.get(keys[0]!), first.ports.get(keys[0]!))
  t.equal(
    second.ports.get(keys[0]!)?.servicePort,
    first.ports.get(keys[0]!)?.servicePort,
    'the service port stays the same object',
  )
  for (const key of keys.slice(1)) t.equal(second.ports.get(key), first.ports.get(key), key)

  store.upsert('EndpointSlice', makeApiSlice({ name: 'b-2', service: 'b', endpoints: [makeApiEndpoint('10.244.0.5')] }))
  store.upsert('Node', makeApiNode('node-a', { zone: 'z' }))
  const third = buildSnapshot(store, store.takeChanges(), scope, second)
  for (const key of keys) t.equal(third.ports.get(key), second.ports.get(key), `${key}: rebuilt, and equal`)

  store.upsert('Service', makeApiService({ name: 'a', clusterIP: '10.96.0.77' }))
  const fourth = buildSnapshot(store, store.takeChanges(), scope, third)
  t.equal(
    fourth.ports.get(keys[0]!)?.usable.cluster,
    third.ports.get(keys[0]!)?.usable.cluster,
    'lists stay the same arrays',
  )
  t.same([...fourth.ports.keys()], keys)

  store.remove('Service', makeApiService({ name: 'b' }))
  const fifth = buildSnapshot(store, store.takeChanges(), scope, fourth)
  t.same([...fifth.ports.keys()], [keys[0], keys[2]])
  t.equal(fifth.ports.get(keys[2]!), fourth.ports.get(keys[2]!))
  t.end()
})
