import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import t, { type Test } from 'tap'
import { FLAGS } from '../../lib/config/options.js'
import { readConfig } from '../../lib/config/read-config.js'
import { HttpServers } from '../../lib/control/http-servers.js'
import { MODES } from '../../lib/modes/registry.js'
import { MetricRegistry } from '../../lib/observe/metric-registry.js'
import { Metrics } from '../../lib/observe/metrics.js'
import { ProxierHealth } from '../../lib/observe/proxier-health.js'
import { ProxyHealth } from '../../lib/observe/proxy-health.js'
import { exchange } from '../observe/http-exchange.js'
import { parseMetrics } from '../observe/metrics-text.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { RecordingLog } from '../support/log/recording-log.js'

/** An address of this process: port 0 would mean that a server is off. */
const HOST = `127.67.${(process.pid >> 8) & 255}.${process.pid & 255}`

function startServers(t: Test, healthz: string, metricsAddress: string) {
  const flags = { 'healthz-bind-address': healthz, 'metrics-bind-address': metricsAddress }
  const failures: string[] = []
  const startedAt = Date.now()
  const http = new HttpServers({
    config: readConfig(flags, 'node-1', MODES).config,
    mode: 'userspace',
    health: new ProxyHealth(
      new ProxierHealth({ families: ['IPv4'], timeoutMs: 60_000, startedAt, clock: new ManualClock() }),
      [],
    ),
    metrics: new Metrics({
      registry: new MetricRegistry(),
      families: ['IPv4'],
      dataPlane: undefined,
      mode: { mode: 'userspace', rejected: [] },
      pending: () => ({ services: 0, endpoints: 0 }),
      startedAt,
      version: 'test',
    }),
    startedAt,
    nodeEligible: () => true,
    duties: () => ({ isReady: true, isLeaving: false }),
    onBindFailure: (reason, failure) => failures.push(`${reason}: ${failure.message}`),
    clock: new ManualClock(),
    log: new RecordingLog(),
  })
  t.teardown(() => http.close())
  return { http, servers: http.listeners, failures }
}

t.test('each server has its own paths', async t => {
  const { servers, failures } = startServers(t, `${HOST}:10256`, `${HOST}:10249`)
  await Promise.all(servers.map(({ firstBind }) => firstBind))
  const status = (index: number, path: string) =>
    exchange(servers[index]?.boundAddress, path).then(response => response.status)
  // kube-proxy has /healthz on both.
  t.strictSame([await status(0, '/healthz'), await status(1, '/healthz')], [200, 200])
  t.strictSame([await status(0, '/livez'), await status(1, '/livez')], [200, 404])
  for (const path of ['/metrics', '/metrics/slis', '/proxyMode', '/configz', '/flagz', '/statusz'])
    t.strictSame([await status(0, path), await status(1, path)], [404, 200], path)
  t.equal((await exchange(servers[1]?.boundAddress, '/proxyMode')).body, 'userspace')
  t.strictSame(failures, [])
})

t.test('/configz and /flagz have the names of kube-proxy', async t => {
  const { servers } = startServers(t, '', `${HOST}:10249`)
  await servers[1].firstBind
  const configz = JSON.parse((await exchange(servers[1].boundAddress, '/configz')).body) as Record<string, unknown>
  t.match(configz, { 'kubeproxy.config.k8s.io': { Mode: 'userspace', MetricsBindAddress: `${HOST}:10249` } })
  const { body } = await exchange(servers[1].boundAddress, '/flagz')
  const names = [...body.matchAll(/^(\S+?)=/gm)].map(([, name]) => name)
  t.same(names, FLAGS.map(({ name }) => name).sort(), 'each flag, and no field that only a file has')
})

t.test('the metrics port counts what probes of the health port have found', async t => {
  const { servers } = startServers(t, `${HOST}:10256`, `${HOST}:10249`)
  await Promise.all(servers.map(({ firstBind }) => firstBind))
  const read = async () => parseMetrics((await exchange(servers[1].boundAddress, '/metrics/slis')).body).series
  t.strictSame([...(await read())], [], 'nothing before the first probe')
  for (const path of ['/livez', '/livez', '/readyz']) await exchange(servers[0].boundAddress, path)
  const slis = await read()
  t.equal(slis.get('kubernetes_healthchecks_total{name="rules",type="livez",status="success"}'), 2)
  t.equal(slis.get('kubernetes_healthchecks_total{name="rules",type="readyz",status="success"}'), 1)
  t.equal(slis.get('kubernetes_healthcheck{name="rules",type="livez"}'), 1)
})

t.test('a port that another program has is reported with the reason of its own event', async t => {
  const other = createServer().listen(0, '127.0.0.1')
  t.teardown(() => other.close())
  await once(other, 'listening')
  const taken = `127.0.0.1:${(other.address() as AddressInfo).port}`
  for (const [healthz, metrics, reason] of [
    [taken, '', 'FailedToStartProxierHealthcheck'],
    ['', taken, 'FailedToStartMetricServer'],
  ] as const) {
    const { servers, failures } = startServers(t, healthz, metrics)
    await Promise.all(servers.map(({ firstBind }) => firstBind))
    t.equal(failures.length, 1)
    t.match(failures[0], new RegExp(`^${reason}: .*"${taken}"`))
  }
})

t.test('a server whose address changes moves; the other one, and what has been closed, stays as it is', async t => {
  const { http } = startServers(t, `${HOST}:10256`, `${HOST}:10249`)
  await Promise.all(http.listeners.map(({ firstBind }) => firstBind))
  const [health, metrics] = http.listeners
  const flags = { 'healthz-bind-address': `${HOST}:10256`, 'metrics-bind-address': `${HOST}:9249` }
  const { config } = readConfig(flags, 'node-1', MODES)
  await http.reconfigure(config)
  await http.listeners[1].firstBind
  t.equal(http.listeners[0], health)
  t.not(http.listeners[1], metrics)
  t.equal((await exchange(`${HOST}:9249`, '/metrics')).status, 200)
  await t.rejects(exchange(`${HOST}:10249`, '/metrics'))
  t.match((await exchange(`${HOST}:9249`, '/configz')).body, /9249/)
  await http.close()
  await http.reconfigure({ ...config, metricsBindAddress: `${HOST}:9250` })
  await t.rejects(exchange(`${HOST}:9250`, '/metrics'), 'a proxy that has given way opens no port')
})

t.test('a server that is closed while it moves opens no port', async t => {
  for (const flag of ['healthz-bind-address', 'metrics-bind-address']) {
    const { http } = startServers(t, `${HOST}:10256`, `${HOST}:10249`)
    await Promise.all(http.listeners.map(({ firstBind }) => firstBind))
    const flags = { 'healthz-bind-address': `${HOST}:10256`, 'metrics-bind-address': `${HOST}:10249` }
    const { config } = readConfig({ ...flags, [flag]: `${HOST}:9251` }, 'node-1', MODES)
    const moved = http.reconfigure(config)
    await Promise.all([http.close(), moved])
    await Promise.all(http.listeners.map(({ firstBind }) => firstBind))
    for (const port of [9251, 10256, 10249])
      await t.rejects(exchange(`${HOST}:${port}`, '/healthz'), `${flag}: ${port}`)
  }
})

t.test('a server that moves twice at the same time leaves no port behind', async t => {
  const { http } = startServers(t, `${HOST}:10256`, '')
  await http.listeners[0].firstBind
  const move = (port: number) =>
    http.reconfigure(
      readConfig({ 'healthz-bind-address': `${HOST}:${port}`, 'metrics-bind-address': '' }, 'node-1', MODES).config,
    )
  await Promise.all([move(9252), move(9253)])
  await http.listeners[0].firstBind
  t.equal((await exchange(`${HOST}:9253`, '/healthz')).status, 200)
  await t.rejects(exchange(`${HOST}:9252`, '/healthz'))
})
