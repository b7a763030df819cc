import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import t from 'tap'
import { type StatusRoute, type StatusStream } from '../../lib/status/status-responder.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { EndlessStream } from '../support/status/endless-stream.js'
import { RawClient } from '../support/status/raw-client.js'
import { ServedDashboard, TOKEN, writeToken } from '../support/status/served-dashboard.js'

const BEARER = { authorization: `Bearer ${TOKEN}` }
/** Refusals that one client asks for at once, and clients that do: their answers have more bytes than clients may leave unread. */
const REFUSED = 1800
const FLOODS = 120

/** Streams that run. Each would run forever if the server missed that its viewer has left. */
class CountedStream {
  running = 0
  readonly stream: StatusStream = () => {
    this.running++
    return () => this.running--
  }
}

t.test('live events end with the session, and not before', async t => {
  const clock = new ManualClock()
  const counted = new CountedStream()
  const streams = new Map([['events', counted.stream]])
  const dashboard = await ServedDashboard.start(t, { tokenFile: writeToken(t), clock, streams })
  const { pathname, search } = new URL((await dashboard.ask('/link', BEARER)).body)
  const [cookie = ''] = (await dashboard.ask(`${pathname}${search}`)).headers['set-cookie'] ?? []
  const host = '127.0.0.1'
  const sent = request({
    ...{ host, port: dashboard.port, path: '/v1/events', agent: false },
    headers: { cookie: cookie.split(';')[0]! },
  }).end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  t.equal(response.statusCode, 200)
  const ended = once(response, 'error')
  await clock.advance(12 * 3_600_000 - 1)
  t.equal(counted.running, 1)
  t.equal(clock.pendingTimers, 1)
  response.resume()
  await clock.advance(1)
  await ended
  t.equal(clock.pendingTimers, 0)
  await dashboard.server.close()
  t.equal(counted.running, 0)
})

t.test('a viewer that does not read is disconnected, and others are served', async t => {
  const endless = new EndlessStream()
  const dashboard = await ServedDashboard.start(t, { streams: new Map([['events', endless.stream]]) })
  const asked = request({ host: '127.0.0.1', port: dashboard.port, path: '/v1/events', agent: false })
  t.ok(await endless.disconnects(asked))
  t.match(await dashboard.ask('/v1'), { status: 200 })
})

t.test('files that a client asks for without reading keep no stream that it asks for after them', async t => {
  const counted = new CountedStream()
  const dashboard = await ServedDashboard.start(t, { streams: new Map([['events', counted.stream]]) })
  const client = await RawClient.open(t, dashboard.port)
  client.socket.pause()
  client.sendTo('localhost', ...Array.from({ length: 200 }, () => '/page.js'), '/v1/events')
  // It is disconnected, or leaves when all that it has sent has been read.
  await Promise.race([client.ended, dashboard.ask('/v1')])
  client.socket.resetAndDestroy()
  await client.ended
  await dashboard.server.close()
  t.equal(counted.running, 0)
})

t.test('refusals that clients do not read hold up no answer to others, and hold no memory forever', async t => {
  const dashboard = await ServedDashboard.start(t, {
    routes: new Map<string, StatusRoute>([
      ['', () => ({ kind: 'Overview' })],
      ['never', () => new Promise(() => undefined)],
      ['large', () => ({ kind: 'List', items: [1] })],
    ]),
    smallRoutes: new Set(['', 'never']),
  })
  const refused = Array.from({ length: REFUSED }, () => 'GET / HTTP/1.1\r\nHost: a\r\n\r\n').join('')
  for (let count = 0; count < FLOODS; count++) {
    const client = await RawClient.open(t, dashboard.port)
    client.socket.write(`GET /v1/never HTTP/1.1\r\nHost: localhost\r\n\r\n${refused}`)
    // It is disconnected, or leaves when all that it has sent has been read.
    await Promise.race([client.ended, dashboard.ask('/v1')])
    client.socket.resetAndDestroy()
    await client.ended
  }
  t.match(await dashboard.ask('/v1/large'), { status: 200, body: /items/ })
})

t.test('clients that do nothing give way, and headers without end are refused', async t => {
  const dashboard = await ServedDashboard.start(t)
  const idle = await Promise.all(Array.from({ length: 16 }, () => RawClient.open(t, dashboard.port)))
  const gone = Promise.race(idle.map(({ ended }) => ended))
  t.match(await dashboard.ask('/v1'), { status: 200 })
  t.equal(await gone, '', 'it is disconnected at once: one that is too slow would get an answer (408) first')
  t.match(await dashboard.ask('/v1', { 'x-large': 'x'.repeat(100_000) }), { status: 431 })
})
