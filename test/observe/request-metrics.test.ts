import t from 'tap'
import { createKubeClient } from '../../lib/source/kube-client.js'
import { MetricRegistry } from '../../lib/observe/metric-registry.js'
import { RequestMetrics } from '../../lib/observe/request-metrics.js'
import { realClock } from '../../lib/system/real-clock.js'
import { ApiServer } from '../support/api/api-server.js'
import { parseMetrics } from './metrics-text.js'

const SIGNAL = new AbortController().signal

t.test('requests of the client are counted and measured with the labels of client-go', async t => {
  const api = await ApiServer.start()
  t.teardown(() => api.stop())
  const registry = new MetricRegistry()
  const client = await createKubeClient({
    master: api.url,
    clock: realClock,
    observer: new RequestMetrics(registry),
  })
  const host = new URL(api.url).host
  const events = '/api/v1/namespaces/default/events'
  const event = { metadata: { namespace: 'default', name: 'größe' } }
  await client.getJson('/api/v1/services', SIGNAL)
  await client.postJson(events, event, SIGNAL)
  await t.rejects(client.postJson(events, event, SIGNAL), { code: 'API_REFUSED' })
  const stop = new AbortController()
  await client.streamLines('/api/v1/services?watch=true', stop.signal)
  stop.abort()
  await api.stopListening()
  await t.rejects(client.getJson('/api/v1/services', SIGNAL), { code: 'API_UNREACHABLE' })
  const { types, series } = parseMetrics((await registry.print()).join('\n') + '\n')
  const counted = [...series].filter(([name]) => name.startsWith('rest_client_requests_total'))
  t.strictSame(Object.fromEntries(counted), {
    [`rest_client_requests_total{code="200",method="GET",host="${host}"}`]: 2,
    [`rest_client_requests_total{code="201",method="POST",host="${host}"}`]: 1,
    [`rest_client_requests_total{code="409",method="POST",host="${host}"}`]: 1,
    [`rest_client_requests_total{code="<error>",method="GET",host="${host}"}`]: 1,
  })
  const value = (name: string, verb: string) => series.get(`rest_client_${name}{verb="${verb}",host="${host}"}`)
  t.equal(value('request_duration_seconds_count', 'GET'), 2, 'a watch has no duration')
  t.equal(value('request_duration_seconds_count', 'POST'), 2)
  t.ok(value('request_duration_seconds_sum', 'POST')! > 0)
  t.equal(value('request_size_bytes_sum', 'POST'), 2 * Buffer.byteLength(JSON.stringify(event)))
  t.equal(value('request_size_bytes_sum', 'GET'), 0)
  t.equal(value('response_size_bytes_count', 'GET'), 1, 'without a response there is no size, and a watch has none')
  t.ok(value('response_size_bytes_sum', 'GET')! > 0)
  const bounds = (name: string) =>
    [...series.keys()].flatMap(
      key => new RegExp(`^rest_client_${name}_bucket\\{le="(.*?)",verb="GET"`).exec(key)?.[1] ?? [],
    )
  const durations = ['0.005', '0.025', '0.1', '0.25', '0.5', '1', '2', '4', '8', '15', '30', '60', '+Inf']
  t.strictSame(bounds('request_duration_seconds'), durations)
  t.equal(
    bounds('response_size_bytes').join(' '),
    '64 256 512 1024 4096 16384 65536 262144 1.048576e+06 4.194304e+06 1.6777216e+07 +Inf',
  )
  t.equal(types.get('rest_client_requests_total'), 'counter')
})

t.test("lookups of the API server's name are measured, also those that fail; an address needs none", async t => {
  const api = await ApiServer.start()
  t.teardown(() => api.stop())
  const registry = new MetricRegistry()
  const observer = new RequestMetrics(registry)
  const { port } = new URL(api.url)
  const clientOf = (host: string) => createKubeClient({ master: `http://${host}:${port}`, clock: realClock, observer })
  await (await clientOf('127.0.0.1')).getJson('/apis', SIGNAL)
  await (await clientOf('localhost')).getJson('/apis', SIGNAL)
  await (await clientOf('localhost')).getJson('/apis', SIGNAL)
  // A label has 63 characters at most, so the resolver asks no server.
  const wrongName = 'x'.repeat(64)
  await t.rejects((await clientOf(wrongName)).getJson('/apis', SIGNAL), { code: 'API_UNREACHABLE' })
  const { series, types } = parseMetrics((await registry.print()).join('\n') + '\n')
  const name = 'rest_client_dns_resolution_duration_seconds'
  t.equal(types.get(name), 'histogram')
  t.strictSame(
    [...series].filter(([each]) => each.startsWith(`${name}_count`)),
    [
      [`${name}_count{host="localhost"}`, 2],
      [`${name}_count{host="${wrongName}"}`, 1],
    ],
  )
  t.ok(series.get(`${name}_sum{host="localhost"}`)! > 0)
})
