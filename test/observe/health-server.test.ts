import t, { type Test } from 'tap'
import { type ServingState, startHealthServer } from '../../lib/observe/health-server.js'
import { type HealthProblem } from '../../lib/model/health-problem.js'
import { ProxyHealth } from '../../lib/observe/proxy-health.js'
import { type HttpListener } from '../../lib/observe/http-listener.js'
import { ProxierHealth } from '../../lib/observe/proxier-health.js'
import { exchange } from './http-exchange.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { RecordingLog } from '../support/log/recording-log.js'

const START = Date.UTC(2026, 0, 2, 3, 4, 5, 600)

interface Fixture {
  readonly listener: HttpListener
  readonly health: ProxierHealth
  readonly probes: string[]
  readonly checks: unknown[]
  readonly clock: ManualClock
  now: number
  eligible: boolean
  problem: HealthProblem | undefined
  serving: ServingState
}

async function createFixture(t: Test): Promise<Fixture> {
  const clock = new ManualClock()
  const health = new ProxierHealth({ families: ['IPv4', 'IPv6'], timeoutMs: 60_000, startedAt: START, clock })
  const probes: string[] = []
  const listener = startHealthServer({
    address: '127.0.0.1:0',
    health: new ProxyHealth(health, [
      {
        name: 'part',
        get problem() {
          return fixture.problem
        },
      },
    ]),
    nodeEligible: () => fixture.eligible,
    serving: () => fixture.serving,
    observer: {
      probed: (probe, status) => probes.push(`${probe} ${status}`),
      checked: (probe, parts) => fixture.checks.push([probe, Object.fromEntries(parts)]),
    },
    clock,
    log: new RecordingLog(),
    now: () => fixture.now,
  })
  const serving = { isReady: true, isLeaving: false }
  const fixture: Fixture = {
    listener,
    health,
    probes,
    checks: [],
    clock,
    now: START,
    eligible: true,
    problem: undefined,
    serving,
  }
  t.teardown(() => listener.close())
  await listener.firstBind
  return fixture
}

t.test('a healthy proxy responds with 200 and the current time', async t => {
  const fixture = await createFixture(t)
  fixture.health.synced('IPv6', START + 1000)
  const response = await exchange(fixture.listener.boundAddress, '/healthz')
  t.equal(response.status, 200)
  t.match(response.headers, { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' })
  t.equal(
    response.body,
    '{"lastUpdated":"2026-01-02T03:04:05.600Z","currentTime":"2026-01-02T03:04:05.600Z","nodeEligible":true,"healthy":true,' +
      '"status":{"IPv4":{"lastUpdated":"2026-01-02T03:04:05.600Z","healthy":true},' +
      '"IPv6":{"lastUpdated":"2026-01-02T03:04:06.600Z","healthy":true}}}',
  )
  t.strictSame(fixture.probes, ['healthz 200'])
})

t.test('an unhealthy family makes both paths respond with 503 and the time of the last sync', async t => {
  const fixture = await createFixture(t)
  fixture.health.synced('IPv4', START + 1000)
  fixture.health.queued('IPv6')
  fixture.clock.advanceSync(60_000)
  fixture.now = START + 62_000
  const healthz = await exchange(fixture.listener.boundAddress, '/healthz')
  t.equal(healthz.status, 503)
  t.match(healthz.headers, { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' })
  t.strictSame(JSON.parse(healthz.body), {
    lastUpdated: '2026-01-02T03:04:06.600Z',
    currentTime: '2026-01-02T03:05:07.600Z',
    nodeEligible: true,
    healthy: false,
    status: {
      IPv4: { lastUpdated: '2026-01-02T03:04:06.600Z', healthy: true },
      IPv6: { lastUpdated: '2026-01-02T03:04:05.600Z', healthy: false },
    },
  })
  const livez = await exchange(fixture.listener.boundAddress, '/livez')
  t.equal(livez.status, 503)
  t.match(JSON.parse(livez.body), { healthy: false })
  t.strictSame(fixture.probes, ['healthz 503', 'livez 503'])
})

t.test('a node that is not eligible fails /healthz, but not /livez, which does not mention it', async t => {
  const fixture = await createFixture(t)
  fixture.eligible = false
  fixture.now = START + 5000
  const healthz = await exchange(fixture.listener.boundAddress, '/healthz')
  t.equal(healthz.status, 503)
  t.match(JSON.parse(healthz.body), {
    nodeEligible: false,
    healthy: true,
    lastUpdated: '2026-01-02T03:04:05.600Z',
    currentTime: '2026-01-02T03:04:10.600Z',
  })
  const livez = await exchange(fixture.listener.boundAddress, '/livez')
  t.equal(livez.status, 200)
  t.notOk('nodeEligible' in (JSON.parse(livez.body) as object))
  t.match(JSON.parse(livez.body), { lastUpdated: '2026-01-02T03:04:10.600Z' })
  t.strictSame(fixture.probes, ['healthz 503', 'livez 200'])
})

t.test('HEAD works, and other methods and paths do not', async t => {
  const fixture = await createFixture(t)
  t.match(await exchange(fixture.listener.boundAddress, '/healthz', 'HEAD'), { status: 200, body: '' })
  t.match(await exchange(fixture.listener.boundAddress, '/healthz', 'POST'), { status: 405 })
  t.match(await exchange(fixture.listener.boundAddress, '/metrics'), { status: 404 })
  t.match(await exchange(fixture.listener.boundAddress, '/'), { status: 404 })
  t.strictSame(fixture.probes, ['healthz 200'])
})

t.test('a problem of a part fails /healthz, and /livez only if a restart may help', async t => {
  const fixture = await createFixture(t)
  const statuses = async () => {
    const responses = [
      await exchange(fixture.listener.boundAddress, '/healthz'),
      await exchange(fixture.listener.boundAddress, '/livez'),
    ]
    return responses.map(({ status, body }) => {
      const { healthy, problems } = JSON.parse(body) as { healthy: boolean; problems?: unknown }
      return { status, healthy, problems }
    })
  }
  fixture.problem = { text: 'one of two is gone', needsRestart: false }
  const problems = ['one of two is gone']
  t.strictSame(await statuses(), [
    { status: 503, healthy: false, problems },
    { status: 200, healthy: true, problems },
  ])
  fixture.problem = { text: 'both are gone', needsRestart: true }
  t.strictSame(
    (await statuses()).map(({ status }) => status),
    [503, 503],
  )
  fixture.problem = undefined
  t.strictSame(await statuses(), [
    { status: 200, healthy: true, problems: undefined },
    { status: 200, healthy: true, problems: undefined },
  ])
})

t.test('a proxy that drains fails /healthz and /readyz and says so; /livez stays 200', async t => {
  const fixture = await createFixture(t)
  const probe = async (path: string) => {
    const { status, body } = await exchange(fixture.listener.boundAddress, path)
    return { path, status, draining: 'draining' in (JSON.parse(body) as object) }
  }
  t.strictSame(await probe('/readyz'), { path: '/readyz', status: 200, draining: false })
  fixture.serving = { isReady: false, isLeaving: false }
  t.strictSame(await probe('/readyz'), { path: '/readyz', status: 503, draining: false }, 'not yet ready')
  t.strictSame(await probe('/healthz'), { path: '/healthz', status: 200, draining: false })
  fixture.serving = { isReady: false, isLeaving: true }
  t.strictSame(await probe('/readyz'), { path: '/readyz', status: 503, draining: true })
  t.strictSame(await probe('/healthz'), { path: '/healthz', status: 503, draining: true })
  t.strictSame(await probe('/livez'), { path: '/livez', status: 200, draining: false })
})

t.test('each probe reports the parts that it has looked at', async t => {
  const fixture = await createFixture(t)
  await exchange(fixture.listener.boundAddress, '/healthz')
  fixture.problem = { text: 'broken', needsRestart: false }
  await exchange(fixture.listener.boundAddress, '/readyz')
  t.strictSame(fixture.checks, [
    ['healthz', { rules: true, part: true }],
    ['readyz', { rules: true, part: false }],
  ])
})
