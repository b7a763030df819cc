import t, { type Test } from 'tap'
import { SourceHealth } from '../../lib/control/source-health.js'
import { DEFAULT_LIST_WATCH_TIMINGS } from '../../lib/source/list-watch-timings.js'
import { ApiServer } from '../support/api/api-server.js'
import { TcpRelay } from '../support/api/tcp-relay.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { addressesOf, service, slice, startSource } from './source-under-test.js'

/** Watches that the server ends after a second, and that may be silent for half a second longer. */
const TIMINGS = { watchSecondsMin: 1, watchSecondsMax: 1, endGraceMs: 500 }

/** A source that reads from an API server through a relay. */
async function start(t: Test) {
  const api = await ApiServer.start()
  t.teardown(() => api.stop())
  const relay = await TcpRelay.start(t, Number(new URL(api.url).port))
  api.put('services', service('web'))
  api.put('endpointslices', slice('web-1', 'web'))
  const source = await startSource({ master: relay.url, timings: TIMINGS, responseTimeoutMs: 500 })
  t.teardown(() => source.stop())
  await source.until(() => source.store.hasSynced)
  await api.waitForWatch('services')
  await api.waitForWatch('endpointslices')
  return { api, relay, source }
}

t.test('when watches stay open and silent, others replace them, and no change is missing', async t => {
  const { api, relay, source } = await start(t)
  relay.freezeConnections()
  api.put('services', service('a', '10.96.0.2'))
  api.put('endpointslices', slice('web-1', 'web', '10.244.0.9'))
  await source.until(() => source.services() === 'default/a default/web')
  await source.until(() => addressesOf(source.store, 'web') === '10.244.0.9')
  t.equal(api.requestsFor('services', 'list').length, 1, 'without another list')
  const stalled = source.log.entriesWith('The watch of services stalled')
  t.strictSame(
    stalled.map(({ severity }) => severity),
    ['warn'],
  )
})

t.test('while no connection gets through, the state gets older, and health says so', async t => {
  const { relay, source } = await start(t)
  const health = new SourceHealth(source.source, 2000)
  t.equal(health.problem, undefined)
  relay.reachesTarget = false
  relay.freezeConnections()
  await waitUntil(() => health.problem !== undefined, 'the state is stale')
  t.strictSame(health.problem, {
    text: 'the API server has not confirmed what the proxy knows for 2 s',
    needsRestart: false,
  })
  t.equal(new SourceHealth(source.source, 0).problem, undefined, 'unless that is switched off')
  await source.until(() => source.log.has('Cannot reach the API server'))
  t.equal(source.services(), 'default/web', 'the last known state stays')
  relay.reachesTarget = true
  await waitUntil(() => source.source.ageMs < 1000, 'the state is current again')
  await source.until(() => source.log.has('reachable again'))
})

t.test('an idle API server keeps the state current, on the same connections', async t => {
  const { api, relay, source } = await start(t)
  const watches = () => api.requestsFor('services', 'watch').length
  const before = { watches: watches(), accepted: relay.accepted }
  const health = new SourceHealth(source.source, 60_000)
  await waitUntil(() => watches() >= before.watches + 2, 'watches have ended and were opened again')
  t.equal(health.problem, undefined)
  t.ok(source.source.ageMs < 30_000)
  t.equal(relay.accepted, before.accepted, 'no new connection')
  t.notOk(source.log.has('stalled'))
})

t.test('with the default timings a dead watch is noticed in under a minute', t => {
  const { watchSecondsMax, endGraceMs } = DEFAULT_LIST_WATCH_TIMINGS
  t.ok(watchSecondsMax * 1000 + endGraceMs < 60_000)
  t.end()
})
