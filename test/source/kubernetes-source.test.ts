import t, { type Test } from 'tap'
import { type Clock } from '../../lib/model/clock.js'
import { realClock } from '../../lib/system/real-clock.js'
import { ApiServer, type ReceivedRequest } from '../support/api/api-server.js'
import {
  type SourceUnderTest,
  type SourceUnderTestOptions,
  addressesOf,
  endpoints,
  node,
  service,
  slice,
  startSource,
} from './source-under-test.js'

async function server(test: Test): Promise<ApiServer> {
  const api = await ApiServer.start()
  test.teardown(() => api.stop())
  return api
}

async function startSourceFor(
  test: Test,
  api: ApiServer,
  options: SourceUnderTestOptions = {},
): Promise<SourceUnderTest> {
  const started = await startSource({ master: api.url, ...options })
  test.teardown(() => started.stop())
  return started
}

/** A source that has listed all resources and watches Services. */
async function startSettledSource(
  test: Test,
  options: SourceUnderTestOptions = {},
): Promise<{ api: ApiServer; source: SourceUnderTest }> {
  const api = await server(test)
  api.put('services', service('web'))
  const source = await startSourceFor(test, api, options)
  await source.until(() => source.store.hasSynced)
  await api.waitForWatch('services')
  await api.waitForWatch('endpointslices')
  return { api, source }
}

t.test('the store gets the objects that exist at the start, and every change after that', async test => {
  const api = await server(test)
  api.put('services', service('web'))
  api.put('endpointslices', slice('web-1', 'web'))
  api.put('nodes', node('n1'))
  api.put('nodes', node('n2'))
  const { store, until, services } = await startSourceFor(test, api, { nodeName: 'n1' })
  await until(() => store.hasSynced && store.node !== undefined)
  test.equal(services(), 'default/web')
  test.equal(addressesOf(store, 'web'), '10.244.0.1')
  test.equal(store.node?.name, 'n1')

  for (const resource of ['services', 'endpointslices', 'nodes'] as const) await api.waitForWatch(resource)
  api.put('services', service('db', '10.96.0.2'))
  api.put('endpointslices', slice('web-1', 'web', '10.244.0.9'))
  api.put('nodes', node('n1', '192.0.2.7'))
  await until(() => services() === 'default/db default/web')
  await until(() => addressesOf(store, 'web') === '10.244.0.9')
  await until(() => store.node?.addresses[0] === '192.0.2.7')
  api.remove('services', 'web')
  await until(() => services() === 'default/db')
  test.equal(api.requestsFor('services', 'list').length, 1, 'without another list')
})

t.test('requests have the version, the selectors, bookmarks and a timeout of 25 to 35 s', async test => {
  const { api } = await startSettledSource(test, { nodeName: 'n1' })
  await api.waitForWatch('nodes')
  const list = api.requestsFor('services', 'list')[0]!
  test.equal(list.query.get('resourceVersion'), '0')
  test.equal(list.query.get('limit'), null)
  test.match(list.query.get('labelSelector'), '!service.kubernetes.io/service-proxy-name')
  test.match(list.query.get('labelSelector'), '!service.kubernetes.io/headless')
  test.equal(list.query.get('fieldSelector'), 'spec.clusterIP!=None')
  const watch = api.requestsFor('services', 'watch')[0]!
  test.equal(watch.query.get('resourceVersion'), api.version)
  test.equal(watch.query.get('allowWatchBookmarks'), 'true')
  const seconds = Number(watch.query.get('timeoutSeconds'))
  test.ok(seconds >= 25 && seconds <= 35, String(seconds))
  test.equal(watch.query.get('fieldSelector'), 'spec.clusterIP!=None')
  test.equal(
    api.requestsFor('endpointslices', 'list')[0]?.query.get('labelSelector'),
    '!service.kubernetes.io/headless',
  )
  test.equal(api.requestsFor('nodes', 'list')[0]?.query.get('fieldSelector'), 'metadata.name=n1')
})

t.test('a Service with the label of another proxy is removed from the store', async test => {
  const { api, source } = await startSettledSource(test)
  api.put('services', service('web', '10.96.0.1', { labels: { 'service.kubernetes.io/service-proxy-name': 'x' } }))
  await source.until(() => source.services() === '')
})

t.test('a closed watch continues from its last version, without another list or a missing event', async test => {
  const { api, source } = await startSettledSource(test)
  api.put('services', service('a', '10.96.0.2'))
  await source.until(() => source.services() === 'default/a default/web')
  const lastVersion = api.version
  api.closeWatches('services')
  api.put('services', service('b', '10.96.0.3'))
  api.remove('services', 'web')
  await source.until(() => source.services() === 'default/a default/b')
  test.equal(api.requestsFor('services', 'list').length, 1)
  test.equal(api.requestsFor('services', 'watch')[1]?.query.get('resourceVersion'), lastVersion)
})

t.test('a watch that continues gets only events of its own resource', async test => {
  const { api, source } = await startSettledSource(test)
  // Endpoints have the same name as their Service.
  api.put('endpoints', endpoints('web'))
  api.put('endpointslices', slice('web-1', 'web', '10.244.0.9'))
  await source.until(() => addressesOf(source.store, 'web') === '10.244.0.9')
  const web = source.store.services.get('default/web')
  api.closeWatches('services')
  await api.waitForWatch('services')
  api.put('services', service('a', '10.96.0.2'))
  await source.until(() => source.store.services.has('default/a'))
  test.equal(source.store.services.get('default/web'), web, 'the Service has not changed')
})

t.test('after a bookmark, a compaction does not cause another list', async test => {
  const { api } = await startSettledSource(test)
  // A change of another resource increases the version of the cluster beyond that of the last Service.
  api.put('endpointslices', slice('web-1', 'web'))
  api.bookmark('services')
  api.compact()
  api.closeWatches('services')
  await api.waitForWatch('services')
  test.equal(api.requestsFor('services', 'watch').at(-1)?.query.get('resourceVersion'), api.version)
  test.equal(api.requestsFor('services', 'list').length, 1)
})

t.test('after a reset in the middle of a line, the event is delivered again', async test => {
  const { api, source } = await startSettledSource(test)
  await api.sendRaw('services', '{"type":"ADDED","object":{"metadata":{"name":"half')
  api.resetWatches('services')
  api.put('services', service('a', '10.96.0.2'))
  await source.until(() => source.services() === 'default/a default/web')
  test.equal(api.requestsFor('services', 'list').length, 1)
  test.equal(
    api.requestsFor('services', 'watch')[0]?.query.get('resourceVersion'),
    api.requestsFor('services', 'watch')[1]?.query.get('resourceVersion'),
  )
})

t.test('an invalid line causes another list', async test => {
  const { api, source } = await startSettledSource(test)
  await api.sendRaw('services', '{"type":"ADDED", oops\n')
  await api.waitUntil(() => api.requestsFor('services', 'list').length === 2)
  await api.waitForWatch('services')
  api.put('services', service('a', '10.96.0.2'))
  await source.until(() => source.services() === 'default/a default/web')
})

t.test('repeated invalid lines cause lists with longer and longer pauses', async test => {
  const waits: number[] = []
  const { api } = await startSettledSource(test, {
    clock: recordWaits(waits),
    timings: { backoffFirstMs: 16, backoffMaxMs: 64 },
  })
  for (let round = 2; round <= 5; round++) {
    await api.waitForWatch('services')
    await api.sendRaw('services', 'oops\n')
    await api.waitUntil(() => api.requestsFor('services', 'list').length === round)
  }
  const pauses = waits.filter(ms => ms <= 64)
  test.equal(pauses.length, 3, 'there is no pause before the first')
  test.ok(pauses[0]! >= 16 && pauses[0]! <= 32, String(pauses))
  test.ok(pauses[2]! >= 32, String(pauses))
})

t.test('split characters, several events in a chunk and empty lines are parsed', async test => {
  const { api, source } = await startSettledSource(test)
  const event = (name: string, note: string) => {
    const object = {
      ...service(name),
      metadata: { ...service(name, '10.96.0.9', { labels: { note } }).metadata, resourceVersion: '500' },
    }
    return JSON.stringify({ type: 'ADDED', object })
  }
  const bytes = Buffer.from(`\n${event('a', 'ü€😀')}\n\n${event('b', 'x')}\n`)
  const inside = bytes.indexOf(Buffer.from('😀')) + 2
  await api.sendRaw('services', bytes.subarray(0, inside))
  await api.sendRaw('services', bytes.subarray(inside))
  await source.until(() => source.services() === 'default/a default/b default/web')
  test.equal(source.store.services.get('default/a')?.labels['note'], 'ü€😀')
  test.equal(api.requestsFor('services', 'list').length, 1)
})

t.test('an event of 10 MB is parsed', async test => {
  const { api, source } = await startSettledSource(test)
  const big = service('big', '10.96.0.2')
  api.put('services', { ...big, metadata: { ...big.metadata, annotations: { note: 'x'.repeat(10_000_000) } } })
  await source.until(() => source.services() === 'default/big default/web')
})

t.test('a 410 event causes a list, which shows what was removed', async test => {
  const { api, source } = await startSettledSource(test)
  api.put('services', service('a', '10.96.0.2'))
  await source.until(() => source.services() === 'default/a default/web')
  const known = api.version
  api.silenceWatches('services')
  api.remove('services', 'web')
  api.compact()
  api.resetWatches('services')
  await source.until(() => source.services() === 'default/a')
  const [, again] = api.requestsFor('services', 'list')
  test.equal(again?.query.get('resourceVersion'), known, 'the list is not older than the known state')
})

t.test('a 410 event in the middle of a watch causes a list', async test => {
  const { api, source } = await startSettledSource(test)
  api.expireWatches('services')
  api.remove('services', 'web')
  await source.until(() => source.services() === '')
  test.equal(api.requestsFor('services', 'list').length, 2)
})

t.test('status 410 for a watch causes a list', async test => {
  const { api, source } = await startSettledSource(test)
  api.silenceWatches('services')
  api.remove('services', 'web')
  api.injectNext(1, { status: 410, when: ({ resource, watch }) => resource === 'services' && watch })
  api.resetWatches('services')
  await source.until(() => source.services() === '')
  test.equal(api.requestsFor('services', 'list').length, 2)
})

t.test('after status 410 for a list, the next list has no version', async test => {
  const { api, source } = await startSettledSource(test)
  api.injectNext(1, { status: 410, when: ({ resource, watch }) => resource === 'services' && !watch })
  api.expireWatches('services')
  api.remove('services', 'web')
  await source.until(() => source.services() === '')
  const versions = api.requestsFor('services', 'list').map(({ query }) => query.get('resourceVersion'))
  test.equal(versions.length, 3)
  test.equal(versions[2], '')
})

t.test('after a restore of the store, the next list has no version, because the known one is too new', async test => {
  const { api, source } = await startSettledSource(test)
  // As if the watch had delivered a version that the restored server does not have.
  const object = { ...service('lost'), metadata: { name: 'lost', namespace: 'default', resourceVersion: '999999' } }
  await api.sendRaw('services', `${JSON.stringify({ type: 'ADDED', object })}\n`)
  await source.until(() => source.services() === 'default/lost default/web')
  api.expireWatches('services')
  await source.until(() => source.services() === 'default/web')
  test.equal(api.requestsFor('services', 'list').at(-1)?.query.get('resourceVersion'), '')
})

t.test('after a restore of the store that the server does not mention, the restored state is listed', async test => {
  const { api, source } = await startSettledSource(test)
  const object = { ...service('lost'), metadata: { name: 'lost', namespace: 'default', resourceVersion: '999999' } }
  await api.sendRaw('services', `${JSON.stringify({ type: 'ADDED', object })}\n`)
  await source.until(() => source.services() === 'default/lost default/web')
  // The server opens a watch from a version that it does not have, and is silent.
  api.resetWatches('services')
  await source.until(() => source.services() === 'default/web')
})

t.test('a client that may only read the Node of this machine follows it after each end of a watch', async test => {
  const { api, source } = await startSettledSource(test, { nodeName: 'n1' })
  api.put('nodes', node('n1'))
  await source.until(() => source.store.node !== undefined)
  await api.waitForWatch('nodes')
  const mayNot = ({ resource, query }: ReceivedRequest): boolean =>
    resource === 'nodes' && query.get('fieldSelector') !== 'metadata.name=n1'
  api.injectNext(Infinity, { status: 403, when: mayNot })
  api.resetWatches('nodes')
  await api.waitForWatch('nodes')
  api.put('nodes', node('n1', '192.0.2.7'))
  await source.until(() => source.store.node?.addresses[0] === '192.0.2.7')
  test.notOk(api.requests.some(mayNot), 'and requests nothing else')
})

t.test('a server that refuses to say whether it has a version gets the request for a list', async test => {
  const { api, source } = await startSettledSource(test)
  const isCheck = ({ query }: ReceivedRequest): boolean => query.get('fieldSelector') === 'metadata.name=-'
  api.injectNext(Infinity, { status: 403, when: isCheck })
  api.resetWatches('services')
  api.put('services', service('late'))
  await source.until(() => source.services() === 'default/late default/web')
  test.ok(api.requests.some(isCheck))
  test.equal(api.requestsFor('services', 'list').length, 2)
})

t.test('an object that was deleted and created again during an outage is the new one', async test => {
  const { api, source } = await startSettledSource(test)
  await api.stopListening()
  api.remove('services', 'web')
  api.put('services', service('web', '10.96.0.77'))
  await api.startListening()
  await source.until(() => source.store.services.get('default/web')?.clusterIP === '10.96.0.77')
  test.equal(source.services(), 'default/web')
})

t.test('during an outage of the API server the last known state stays, and each reason is logged once', async test => {
  const { api, source } = await startSettledSource(test)
  api.put('endpointslices', slice('web-1', 'web'))
  await source.until(() => addressesOf(source.store, 'web') !== '')
  const before = source.log.errors.length
  await api.stopListening()
  await source.until(() => source.log.errors.length > 0)
  test.equal(source.services(), 'default/web')
  test.equal(addressesOf(source.store, 'web'), '10.244.0.1')
  api.remove('services', 'web')
  api.put('services', service('new', '10.96.0.5'))
  api.compact()
  await api.startListening()
  await source.until(() => source.services() === 'default/new')
  await source.until(() => source.log.has('reachable again'))
  const errors = source.log.errors.slice(before)
  test.match(String(errors[0]?.error), 'ECONNREFUSED')
  test.match(String(errors[0]?.error), api.url)
  test.equal(
    new Set(errors.map(({ error }) => /ECONN\w+|socket hang up/.exec(String(error))?.[0])).size,
    errors.length,
    'each reason once',
  )
})

t.test('a source that starts during an outage waits for the API server', async test => {
  const api = await server(test)
  api.put('services', service('web'))
  await api.stopListening()
  const source = await startSourceFor(test, api)
  await source.until(() => source.log.has('Cannot reach the API server'))
  test.notOk(source.store.hasSynced)
  await api.startListening()
  await source.until(() => source.store.hasSynced)
  test.equal(source.services(), 'default/web')
})

t.test('a request without response times out and is sent again', async test => {
  const api = await server(test)
  api.put('services', service('web'))
  const release = api.holdLists()
  const source = await startSourceFor(test, api, { responseTimeoutMs: 50 })
  await api.waitUntil(() => api.requestsFor('services', 'list').length >= 3)
  test.ok(source.log.has('no response within 0.05 s'))
  release()
  await source.until(() => source.store.hasSynced)
})

t.test('a watch that stays silent after its timeout is opened again', async test => {
  const { api, source } = await startSettledSource(test, {
    timings: { watchSecondsMin: 0, watchSecondsMax: 0, endGraceMs: 100 },
  })
  api.silenceWatches('services')
  api.put('services', service('a', '10.96.0.2'))
  await source.until(() => source.services() === 'default/a default/web')
  test.equal(api.requestsFor('services', 'list').length, 1)
})

t.test('a watch that closes again and again is opened with pauses', async test => {
  const waits: number[] = []
  const { api } = await startSettledSource(test, {
    clock: recordWaits(waits),
    timings: { backoffFirstMs: 8, reopenMaxMs: 32 },
  })
  for (let round = 1; round <= 5; round++) {
    await api.waitForWatch('services')
    api.closeWatches('services')
    await api.waitUntil(() => api.requestsFor('services', 'watch').length === round + 1)
  }
  const pauses = waits.filter(ms => ms <= 32)
  test.equal(pauses.length, 4, 'there is no pause before the first')
  test.ok(
    pauses.slice(2).every(ms => ms >= 16),
    String(pauses),
  )
})

t.test('each refused request is sent again, and logged once', async test => {
  for (const status of [401, 403, 404, 429, 500, 503]) {
    await test.test(`HTTP ${status}`, async inner => {
      const { api, source } = await startSettledSource(inner)
      api.injectNext(4, { status, when: ({ resource }) => resource === 'services' })
      api.resetWatches('services')
      api.put('services', service('a', '10.96.0.2'))
      await source.until(() => source.services() === 'default/a default/web')
      const reported = source.log.entriesWith(`failed with status ${status}`)
      inner.equal(reported.length, 1)
      await source.until(() => source.log.has('Reading services from the API server works again'))
    })
  }
})

t.test('the source waits for the time in Retry-After', async test => {
  const waits: number[] = []
  const { api } = await startSettledSource(test, { clock: recordWaits(waits) })
  api.injectNext(1, { status: 429, headers: { 'Retry-After': '1' }, when: ({ watch }) => watch })
  api.resetWatches('services')
  await api.waitUntil(() => api.requestsFor('services', 'watch').length === 3)
  test.ok(waits.includes(1000), String(waits))
})

t.test('after status 400 for the field selector, requests have none', async test => {
  const api = await server(test)
  api.serves.clusterIPSelector = false
  api.put('services', service('web'))
  api.put('services', service('headless', 'None'))
  const source = await startSourceFor(test, api)
  await source.until(() => source.store.hasSynced)
  await api.waitForWatch('services')
  api.expireWatches('services')
  await api.waitUntil(() => api.requestsFor('services', 'list').length === 3)
  const fields = api.requestsFor('services', 'list').map(({ query }) => query.get('fieldSelector'))
  test.same(fields, ['spec.clusterIP!=None', null, null])
  test.equal(api.requestsFor('services', 'watch')[0]?.query.get('fieldSelector'), null)
  test.notOk(source.log.errors.length > 0)
})

t.test('a Node that is missing or forbidden does not delay other resources', async test => {
  const api = await server(test)
  api.put('services', service('web'))
  api.injectNext(3, { status: 403, when: ({ resource }) => resource === 'nodes' })
  const source = await startSourceFor(test, api, { nodeName: 'n1' })
  await source.until(() => source.store.hasSynced)
  await api.waitForWatch('nodes')
  test.equal(source.store.node, undefined)
  api.put('nodes', node('n1'))
  await source.until(() => source.store.node?.name === 'n1')
})

t.test('the source reads endpoints from the newest API of the server', async test => {
  const cases = [
    { v1: true, v1beta1: true, api: 'discovery.k8s.io/v1', resource: 'endpointslices' },
    { v1: false, v1beta1: true, api: 'discovery.k8s.io/v1beta1', resource: 'endpointslices' },
    { v1: false, v1beta1: false, api: 'v1', resource: 'endpoints' },
  ] as const
  for (const { v1, v1beta1, api: expected, resource } of cases) {
    await test.test(expected, async inner => {
      const api = await server(inner)
      api.serves['discovery.k8s.io/v1'] = v1
      api.serves['discovery.k8s.io/v1beta1'] = v1beta1
      api.put('endpointslices', slice('web-1', 'web', '10.244.0.1'))
      api.put('endpoints', endpoints('web', '10.244.0.2'))
      const { store, until, log } = await startSourceFor(inner, api)
      await until(() => store.hasSynced)
      await api.waitForWatch(resource)
      inner.equal(addressesOf(store, 'web'), resource === 'endpoints' ? '10.244.0.2' : '10.244.0.1')
      inner.ok(log.has(`"${expected}"`))
      inner.equal(api.requests.filter(({ resource }) => resource?.startsWith('endpoint')).length, 2)
    })
  }
})

t.test('an API that is listed but turned off is not used', async test => {
  const api = await server(test)
  api.put('endpoints', endpoints('web'))
  const switchedOff = '/apis/discovery.k8s.io/v1'
  api.injectNext(100, { status: 404, when: ({ path }) => path.startsWith(switchedOff) })
  const { store, until, log } = await startSourceFor(test, api)
  await until(() => store.hasSynced)
  test.equal(addressesOf(store, 'web'), '10.244.0.1')
  test.notOk(log.errors.length > 0)
})

t.test('if discovery is forbidden, the source tries one API after the other', async test => {
  const api = await server(test)
  api.serves['discovery.k8s.io/v1'] = false
  api.put('endpoints', endpoints('web'))
  api.injectNext(100, { status: 403, when: ({ path }) => path === '/apis' })
  const { store, until } = await startSourceFor(test, api)
  await until(() => store.hasSynced)
  test.equal(addressesOf(store, 'web'), '10.244.0.1')
})

t.test('when the server no longer has EndpointSlices, Endpoints replace them without a gap', async test => {
  const { api, source } = await startSettledSource(test)
  api.put('endpointslices', slice('web-1', 'web', '10.244.0.1'))
  await source.until(() => addressesOf(source.store, 'web') === '10.244.0.1')
  api.put('endpoints', endpoints('web', '10.244.0.2'))
  const release = api.holdLists()
  api.serves['discovery.k8s.io/v1'] = false
  api.closeWatches('endpointslices')
  await api.waitUntil(() => api.requestsFor('endpoints', 'list').length === 1)
  test.equal(addressesOf(source.store, 'web'), '10.244.0.1', 'the old endpoints stay until the new ones have arrived')
  release()
  await source.until(() => addressesOf(source.store, 'web') === '10.244.0.2')

  await api.waitForWatch('endpoints')
  api.serves['discovery.k8s.io/v1beta1'] = true
  api.injectNext(1, { status: 404, when: ({ resource }) => resource === 'endpoints' })
  api.closeWatches('endpoints')
  await source.until(() => addressesOf(source.store, 'web') === '10.244.0.1')
  test.equal(api.requestsFor('endpointslices', 'list').at(-1)?.path, '/apis/discovery.k8s.io/v1beta1/endpointslices')
})

t.test(
  'status 404 for all requests, as from a load balancer without API server, does not cause a change to Endpoints',
  async test => {
    const { api, source } = await startSettledSource(test)
    api.put('endpointslices', slice('web-1', 'web'))
    await source.until(() => addressesOf(source.store, 'web') === '10.244.0.1')
    api.injectNext(8, { status: 404, body: 'default backend - 404' })
    api.resetWatches('endpointslices')
    api.resetWatches('services')
    api.put('endpointslices', slice('web-1', 'web', '10.244.0.3'))
    await source.until(() => addressesOf(source.store, 'web') === '10.244.0.3')
    test.equal(api.requestsFor('endpoints', 'list').length, 0)
  },
)

t.test('an abort ends the source at once and closes every connection', async test => {
  const { api, source } = await startSettledSource(test, { nodeName: 'n1' })
  await api.waitForWatch('nodes')
  test.equal(api.connections, 3)
  await source.stop()
  await api.waitUntil(() => api.connections === 0)

  const waiting = await server(test)
  waiting.holdLists()
  const early = await startSource({ master: waiting.url })
  await waiting.waitUntil(() => waiting.requestsFor('services', 'list').length === 1)
  await early.stop()
  await waiting.waitUntil(() => waiting.connections === 0)
})

t.test('the path of a server address stays in requests', async test => {
  const api = await ApiServer.start({ basePath: '/k8s/clusters/c-1' })
  test.teardown(() => api.stop())
  api.put('services', service('web'))
  const source = await startSourceFor(test, api)
  await source.until(() => source.store.hasSynced)
  test.equal(source.services(), 'default/web')
})

/** A real clock that records every wait. */
function recordWaits(waits: number[]): Clock {
  return {
    now: () => realClock.now(),
    after: (ms, ...timer) => {
      waits.push(ms)
      return realClock.after(ms, ...timer)
    },
  }
}
