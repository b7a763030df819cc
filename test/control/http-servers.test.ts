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
const OTHER_HOST = `127.68.${(process.pid >> 8) & 255}.${process.pid & 255}`

/** Another program that listens. Port 0: the kernel chooses. */
async function occupy(t: Test, host: string, port = 0): Promise<{ port: number; free(): Promise<unknown> }> {
  const server = createServer().listen(port, host)
  const free = () => once(server.close(), 'close')
  t.teardown(() => server.listening && free())
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, free }
}

/** A port that no program of this machine uses, at any address. */
async function findFreePort(t: Test): Promise<number> {
  const { port, free } = await occupy(t, '0.0.0.0')
  await free()
  return port
}

const configOf = (healthz: string, metrics: string) =>
  readConfig({ 'healthz-bind-address': healthz, 'metrics-bind-address': metrics }, 'node-1', MODES).config

function startServers(t: Test, healthz: string, metricsAddress: string) {
  const failures: string[] = []
  const startedAt = Date.now()
  const [clock, log] = [new ManualClock(), new RecordingLog()]
  const http = new HttpServers({
    config: configOf(healthz, metricsAddress),
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
    onBindFailure: (reason, failure, isAtStart) =>
      failures.push(`${reason}: ${failure.message}${isAtStart ? '' : ' while it served'}`),
    clock,
    log,
  })
  t.teardown(() => http.close())
  const errors = () => log.entries.filter(({ severity }) => severity === 'error')
  return { http, servers: http.listeners, failures, clock, log, errors }
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
  const taken = `127.0.0.1:${(await occupy(t, '127.0.0.1')).port}`
  for (const [healthz, metrics, reason] of [
    [taken, '', 'FailedToStartProxierHealthcheck'],
    ['', taken, 'FailedToStartMetricServer'],
  ] as const) {
    const { servers, failures } = startServers(t, healthz, metrics)
    await Promise.all(servers.map(({ firstBind }) => firstBind))
    t.equal(failures.length, 1)
    t.match(failures[0], new RegExp(`^${reason}: .*"${taken}"$`))
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

t.test('a server serves at its old address until the new one is free', async t => {
  for (const [index, path, reason] of [
    [0, '/livez', 'FailedToStartProxierHealthcheck'],
    [1, '/metrics', 'FailedToStartMetricServer'],
  ] as const) {
    const before = [`${HOST}:10256`, `${HOST}:10249`] as const
    const { http, failures, clock, log, errors } = startServers(t, ...before)
    await Promise.all(http.listeners.map(({ firstBind }) => firstBind))
    const occupant = await occupy(t, HOST, 9254)
    const taken = `${HOST}:9254`
    await http.reconfigure(configOf(index === 0 ? taken : before[0], index === 1 ? taken : before[1]))
    await http.reconfigure(configOf(index === 0 ? taken : before[0], index === 1 ? taken : before[1]))
    t.equal(clock.pendingTimers, 1, 'a change of something else does not begin again')
    t.equal((await exchange(before[index], path)).status, 200, 'no gap')
    t.strictSame(failures, [
      `${reason}: Cannot serve ${index === 0 ? 'healthz' : 'metrics'} on "${taken}" while it served`,
    ])
    t.equal(errors().length, 1)
    t.match(errors()[0], { error: { code: 'HTTP_BIND_FAILED' }, fields: { servingOn: before[index], retrySeconds: 5 } })

    await occupant.free()
    const served = log.waitForEntry()
    clock.advanceSync(5000)
    t.match(await served, { severity: 'info', fields: { address: taken } })
    t.equal((await exchange(taken, path)).status, 200)
    await http.close()
    for (const address of [...before, taken]) await t.rejects(exchange(address, path), `${address} is closed`)
  }
})

t.test('a server closes its old port when the new one is bound', async t => {
  const { http, clock, log } = startServers(t, `${HOST}:10256`, '')
  await http.listeners[0].firstBind
  const occupant = await occupy(t, HOST, 9254)
  await http.reconfigure(configOf(`${HOST}:9254`, ''))
  await occupant.free()
  const served = log.waitForEntry()
  clock.advanceSync(5000)
  await served
  await http.reconfigure(configOf(`${HOST}:9254`, ''))
  await t.rejects(exchange(`${HOST}:10256`, '/livez'))
  t.equal((await exchange(`${HOST}:9254`, '/livez')).status, 200)
})

t.test('a server whose address changes back no longer waits for the other port', async t => {
  const { http, clock, errors } = startServers(t, `${HOST}:10256`, '')
  await http.listeners[0].firstBind
  const [health] = http.listeners
  await occupy(t, HOST, 9254)
  await http.reconfigure(configOf(`${HOST}:9254`, ''))
  t.equal(clock.pendingTimers, 1)
  await http.reconfigure(configOf(`${HOST}:10256`, ''))
  t.equal(clock.pendingTimers, 0)
  t.equal(http.listeners[0], health)
  t.equal(errors().length, 1)
  t.equal((await exchange(`${HOST}:10256`, '/livez')).status, 200)
})

t.test('a server that is closed while it waits for its new port tries no more', async t => {
  const { http, clock } = startServers(t, `${HOST}:10256`, '')
  await http.listeners[0].firstBind
  await occupy(t, HOST, 9254)
  await http.reconfigure(configOf(`${HOST}:9254`, ''))
  await http.close()
  t.equal(clock.pendingTimers, 0)
  await t.rejects(exchange(`${HOST}:10256`, '/livez'))
})

t.test('a server that waits for its first port waits only for another one when its address changes', async t => {
  const [first, second] = [await occupy(t, HOST), await occupy(t, HOST)]
  const { http, clock, log } = startServers(t, `${HOST}:${first.port}`, '')
  await http.listeners[0].firstBind
  await http.reconfigure(configOf(`${HOST}:${second.port}`, ''))
  await http.listeners[0].firstBind
  t.equal(clock.pendingTimers, 1)
  await first.free()
  await second.free()
  const served = log.waitForEntry()
  clock.advanceSync(5000)
  await served
  t.equal((await exchange(`${HOST}:${second.port}`, '/livez')).status, 200)
  await t.rejects(exchange(`${HOST}:${first.port}`, '/livez'))
})

t.test('a server moves between one address and all addresses of the same port', async t => {
  const port = await findFreePort(t)
  const { http, errors } = startServers(t, `${HOST}:${port}`, '')
  await http.listeners[0].firstBind
  for (const [host, isEverywhere] of [
    ['0.0.0.0', true],
    ['[::]', true],
    [HOST, false],
  ] as const) {
    await http.reconfigure(configOf(`${host}:${port}`, ''))
    t.equal((await exchange(`${HOST}:${port}`, '/livez')).status, 200, host)
    const elsewhere = exchange(`${OTHER_HOST}:${port}`, '/livez').then(
      () => true,
      () => false,
    )
    t.equal(await elsewhere, isEverywhere, host)
  }
  t.strictSame(errors(), [])
})

t.test('a server that cannot move to all addresses of its port returns to its own', async t => {
  const port = await findFreePort(t)
  const { http, failures, clock, errors } = startServers(t, `${HOST}:${port}`, `${HOST}:10249`)
  await Promise.all(http.listeners.map(({ firstBind }) => firstBind))
  const occupant = await occupy(t, OTHER_HOST, port)
  const wanted = configOf(`0.0.0.0:${port}`, `${HOST}:10249`)
  await http.reconfigure(wanted)
  t.equal((await exchange(`${HOST}:${port}`, '/livez')).status, 200)
  t.equal((await exchange(`${HOST}:10249`, '/metrics')).status, 200, 'the other server stays')
  t.equal(failures.length, 1)
  t.equal(errors().length, 1)
  t.match(errors()[0], {
    error: { code: 'HTTP_BIND_FAILED', message: `Cannot serve healthz on "0.0.0.0:${port}"` },
    fields: { servingOn: `${HOST}:${port}` },
  })
  t.equal(clock.pendingTimers, 0)
  await occupant.free()
  await http.reconfigure(wanted)
  t.equal((await exchange(`${OTHER_HOST}:${port}`, '/livez')).status, 200, 'the next change tries again')
})

t.test('two servers exchange their addresses', async t => {
  const { http, errors } = startServers(t, `${HOST}:10256`, `${HOST}:10249`)
  await Promise.all(http.listeners.map(({ firstBind }) => firstBind))
  await http.reconfigure(configOf(`${HOST}:10249`, `${HOST}:10256`))
  t.equal((await exchange(`${HOST}:10249`, '/livez')).status, 200)
  t.equal((await exchange(`${HOST}:10256`, '/metrics')).status, 200)
  t.strictSame(errors(), [])
})

t.test('if one of two servers cannot move to where the other one was, both stay', async t => {
  const { http, errors } = startServers(t, `${HOST}:10256`, `${HOST}:10249`)
  await Promise.all(http.listeners.map(({ firstBind }) => firstBind))
  await occupy(t, HOST, 9254)
  await http.reconfigure(configOf(`${HOST}:10249`, `${HOST}:9254`))
  t.equal((await exchange(`${HOST}:10256`, '/livez')).status, 200)
  t.equal((await exchange(`${HOST}:10249`, '/metrics')).status, 200)
  t.equal(errors().length, 1)
  t.match(errors()[0], { fields: { servingOn: `${HOST}:10256 ${HOST}:10249` } })
})
