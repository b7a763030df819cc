import t from 'tap'
import { startMetricsServer } from '../../lib/observe/metrics-server.js'
import { SliMetrics } from '../../lib/observe/sli-metrics.js'
import { exchange } from './http-exchange.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { parseMetrics } from './metrics-text.js'
import { RecordingLog } from '../support/log/recording-log.js'

const STARTED = Date.UTC(2026, 0, 2, 3, 4, 5)

t.test('the metrics port', async t => {
  let config: unknown = { Mode: 'userspace', HostnameOverride: 'größe' }
  const listener = startMetricsServer({
    address: '127.0.0.1:0',
    metrics: {
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      text: () => Promise.resolve('up 1\n'),
      slis: new SliMetrics(),
    },
    proxyMode: 'userspace',
    configz: () => config,
    flags: () => ({ v: '2', manifests: ['/b', '/a'], 'proxy-mode': 'userspace', kubeconfig: '' }),
    profiles: undefined,
    program: { startedAt: STARTED, version: '1.2.3', nodeVersion: 'v20.1.0' },
    now: () => STARTED + 3_723_900,
    clock: new ManualClock(),
    log: new RecordingLog(),
  })
  t.teardown(() => listener.close())
  await listener.firstBind

  t.test('/metrics returns the metrics with their content type', async t => {
    t.match(await exchange(listener.boundAddress, '/metrics'), {
      status: 200,
      body: 'up 1\n',
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
    })
  })

  t.test('/proxyMode returns the name of the mode', async t => {
    const response = await exchange(listener.boundAddress, '/proxyMode')
    t.equal(response.body, 'userspace')
    t.match(response.headers, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' })
  })

  t.test('/healthz returns ok, and with ?verbose a line for each check', async t => {
    const bodies = {
      '/healthz': 'ok',
      '/healthz/ping': 'ok',
      '/healthz?exclude=ping': 'ok',
      '/healthz?verbose': '[+]ping ok\nhealthz check passed\n',
      '/healthz?verbose=true&exclude=ping': '[+]ping excluded: ok\nhealthz check passed\n',
      '/healthz?verbose&exclude=etcd':
        '[+]ping ok\nwarn: some health checks cannot be excluded: no matches for "etcd"\nhealthz check passed\n',
    }
    for (const [path, body] of Object.entries(bodies))
      t.match(await exchange(listener.boundAddress, path), { status: 200, body }, path)
  })

  t.test('/metrics/slis counts the health checks that clients have asked for', async t => {
    const read = async () => parseMetrics((await exchange(listener.boundAddress, '/metrics/slis')).body)
    const name = 'kubernetes_healthchecks_total{name="ping",type="healthz",status="success"}'
    const before = (await read()).series.get(name) ?? 0
    await exchange(listener.boundAddress, '/healthz')
    const { types, series } = await read()
    t.equal(series.get(name), before + 1)
    t.equal(series.get('kubernetes_healthcheck{name="ping",type="healthz"}'), 1)
    t.equal(types.get('kubernetes_healthchecks_total'), 'counter')
    t.equal(types.get('kubernetes_healthcheck'), 'gauge')
  })

  t.test('/statusz shows the program as text, and as an object to clients that ask for it', async t => {
    const response = await exchange(listener.boundAddress, '/statusz')
    t.equal(response.headers['content-type'], 'text/plain; charset=utf-8')
    t.equal(
      response.body,
      '\nkube-proxy statusz\nWarning: This endpoint is not meant to be machine parseable, has no formatting compatibility ' +
        'guarantees and is for debugging purposes only.\n\nStarted: Fri Jan  2 03:04:05 UTC 2026\nUp: 1 hr 02 min 03 sec\n' +
        'Node.js version: v20.1.0\nBinary version: 1.2.3\nEmulation version: 1.36\n' +
        'Paths: /configz /flagz /healthz /metrics /proxyMode /statusz\n',
    )
    const accept = 'application/json;v=v1alpha1;g=config.k8s.io;as=Statusz'
    const object = await exchange(listener.boundAddress, '/statusz', 'GET', { accept })
    t.equal(object.headers['content-type'], 'application/json')
    t.strictSame(JSON.parse(object.body), {
      kind: 'Statusz',
      apiVersion: 'config.k8s.io/v1alpha1',
      metadata: { name: 'kube-proxy' },
      startTime: '2026-01-02T03:04:05Z',
      uptimeSeconds: 3723,
      goVersion: '',
      nodeVersion: 'v20.1.0',
      binaryVersion: '1.2.3',
      emulationVersion: '1.36',
      paths: ['/configz', '/flagz', '/healthz', '/metrics', '/proxyMode', '/statusz'],
    })
    for (const [accepted, status] of [
      ['*/*', 200],
      ['text/html, text/*;q=0.5', 200],
      ['application/json', 406],
      [accept.replace('Statusz', 'Flagz'), 406],
    ] as const)
      t.match(await exchange(listener.boundAddress, '/statusz', 'GET', { accept: accepted }), { status }, accepted)
  })

  t.test('/flagz shows the value of each flag as text, and as an object to clients that ask for it', async t => {
    const response = await exchange(listener.boundAddress, '/flagz')
    t.match(response.body, /^\nkube-proxy flags\nWarning: .*\n\n/)
    t.equal(response.body.split('\n\n')[1], 'kubeconfig=\nmanifests=[/b,/a]\nproxy-mode=userspace\nv=2\n')
    const accept = 'application/json;v=v1alpha1;g=config.k8s.io;as=Flagz'
    t.strictSame(JSON.parse((await exchange(listener.boundAddress, '/flagz', 'GET', { accept })).body), {
      kind: 'Flagz',
      apiVersion: 'config.k8s.io/v1alpha1',
      metadata: { name: 'kube-proxy' },
      flags: { kubeconfig: '', manifests: '[/b,/a]', 'proxy-mode': 'userspace', v: '2' },
    })
  })

  t.test('/configz returns the current configuration', async t => {
    const response = await exchange(listener.boundAddress, '/configz')
    t.equal(response.headers['content-type'], 'application/json')
    t.equal(response.body, '{"kubeproxy.config.k8s.io":{"Mode":"userspace","HostnameOverride":"größe"}}')
    config = { Mode: 'iptables' }
    t.match((await exchange(listener.boundAddress, '/configz')).body, '"iptables"')
  })

  t.test('other paths give 404, and other methods 405', async t => {
    for (const path of ['/', '/livez', '/proxymode', '/debug/pprof/']) {
      t.match(await exchange(listener.boundAddress, path), { status: 404 }, path)
    }
    t.match(await exchange(listener.boundAddress, '/metrics', 'DELETE'), { status: 405 })
    t.match(await exchange(listener.boundAddress, '/metrics', 'HEAD'), { status: 200, body: '' })
  })
})
