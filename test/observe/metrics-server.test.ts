import t from 'tap'
import { startMetricsServer } from '../../lib/observe/metrics-server.js'
import { exchange } from './http-exchange.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { RecordingLog } from '../support/log/recording-log.js'

t.test('the metrics port', async t => {
  let config: unknown = { Mode: 'userspace', HostnameOverride: 'größe' }
  const listener = startMetricsServer({
    address: '127.0.0.1:0',
    metrics: { contentType: 'text/plain; version=0.0.4; charset=utf-8', text: () => Promise.resolve('up 1\n') },
    proxyMode: 'userspace',
    configz: () => config,
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

  t.test('/healthz returns ok, also with ?verbose and for the check ping', async t => {
    for (const path of ['/healthz', '/healthz?verbose', '/healthz/ping']) {
      t.match(await exchange(listener.boundAddress, path), { status: 200, body: 'ok' }, path)
    }
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
