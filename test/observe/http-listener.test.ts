import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import t, { type Test } from 'tap'
import { ProxyFailure } from '../../lib/model/failure.js'
import { HttpListener, type HttpListenerOptions } from '../../lib/observe/http-listener.js'
import { type HttpRoute } from '../../lib/observe/http-port.js'
import { exchange } from './http-exchange.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { RecordingLog } from '../support/log/recording-log.js'

const ROUTES = new Map<string, HttpRoute>([
  ['/', () => ({ status: 200, contentType: 'text/plain', body: 'größe' })],
  ['/later', () => Promise.resolve({ status: 201, contentType: 'text/plain', body: 'later' })],
  ['/broken', () => Promise.reject(new Error('broken'))],
  [
    '/throws',
    () => {
      throw new Error('thrown')
    },
  ],
  ['/never', () => new Promise(() => {})],
])

function listen(
  t: Test,
  options: Partial<HttpListenerOptions> = {},
): { listener: HttpListener; log: RecordingLog; clock: ManualClock } {
  const log = new RecordingLog()
  const clock = new ManualClock()
  const listener = new HttpListener({
    name: 'healthz',
    setting: 'healthzBindAddress',
    address: '127.0.0.1:0',
    routes: ROUTES,
    clock,
    log,
    ...options,
  })
  t.teardown(() => listener.close())
  return { listener, log, clock }
}

t.test('a route responds to its path, with or without a query', async t => {
  const { listener } = listen(t)
  t.equal(await listener.firstBind, undefined)
  const response = await exchange(listener.boundAddress, '/')
  t.equal(response.status, 200)
  t.equal(response.body, 'größe')
  t.match(response.headers, {
    'content-type': 'text/plain',
    'content-length': '7',
    'x-content-type-options': 'nosniff',
  })
  t.match(await exchange(listener.boundAddress, '/later?a=b?c'), { status: 201, body: 'later' })
})

t.test('HEAD gets the headers of GET without the body', async t => {
  const { listener } = listen(t)
  await listener.firstBind
  const response = await exchange(listener.boundAddress, '/', 'HEAD')
  t.match(response, { status: 200, body: '', headers: { 'content-length': '7', 'content-type': 'text/plain' } })
})

t.test('other methods get 405 with the allowed methods, and the route does not run', async t => {
  const { listener, log } = listen(t)
  await listener.firstBind
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    t.match(await exchange(listener.boundAddress, '/throws', method), { status: 405, headers: { allow: 'GET, HEAD' } })
  }
  t.equal(log.entries.filter(entry => entry.severity === 'error').length, 0)
})

t.test('unknown paths get 404', async t => {
  const { listener } = listen(t)
  await listener.firstBind
  for (const path of ['/x', '/later/', '//', '/__proto__', '/constructor']) {
    t.match(await exchange(listener.boundAddress, path), { status: 404, body: '404 page not found\n' }, path)
  }
})

t.test('a route that fails gives 500 and a log line, and the port keeps serving', async t => {
  const { listener, log } = listen(t)
  await listener.firstBind
  t.match(await exchange(listener.boundAddress, '/broken'), { status: 500 })
  t.match(await exchange(listener.boundAddress, '/throws'), { status: 500 })
  t.strictSame(
    log.entries.filter(entry => entry.severity === 'error').map(entry => (entry.error as Error).message),
    ['broken', 'thrown'],
  )
  t.match(await exchange(listener.boundAddress, '/'), { status: 200 })
})

t.test('a route gets the query and the accepted types of its request', async t => {
  const seen: unknown[] = []
  const routes = new Map<string, HttpRoute>([
    [
      '/',
      ({ query, accept }) => {
        seen.push([...query], accept)
        return { status: 200, contentType: 'application/octet-stream', body: Buffer.from([0, 255, 128]) }
      },
    ],
  ])
  const { listener } = listen(t, { routes })
  await listener.firstBind
  const response = await fetch(`http://${listener.boundAddress}/?a=1&b=x%20y&a=?`, {
    headers: { accept: 'text/plain' },
  })
  t.strictSame([...new Uint8Array(await response.arrayBuffer())], [0, 255, 128], 'a body may be bytes')
  t.strictSame(seen, [
    [
      ['a', '1'],
      ['b', 'x y'],
      ['a', '?'],
    ],
    'text/plain',
  ])
})

t.test('a route may take longer than a client may stall', async t => {
  let finish = (): void => undefined
  const routes = new Map<string, HttpRoute>([
    [
      '/',
      async () => {
        await new Promise<void>(resolve => (finish = resolve))
        return { status: 200, contentType: 'text/plain', body: 'done' }
      },
    ],
  ])
  const { listener } = listen(t, { routes, stalledClientMs: 50 })
  await listener.firstBind
  const response = exchange(listener.boundAddress, '/')
  // A client that came later and sends nothing has reached the limit: so the first one would have, too.
  const port = Number(listener.boundAddress!.split(':')[1])
  for (let turns = 0; turns < 2; turns++) await once(connect(port, '127.0.0.1').resume(), 'close')
  finish()
  t.match(await response, { status: 200, body: 'done' })
})

t.test('a client that does not speak HTTP gets 400, and the port keeps serving', async t => {
  const { listener } = listen(t)
  await listener.firstBind
  const socket = connect(Number(listener.boundAddress?.split(':')[1]), '127.0.0.1')
  socket.end('\x16\x03\x01 not http\r\n\r\n')
  let response = ''
  for await (const chunk of socket) response += String(chunk)
  t.match(response, /^HTTP\/1\.1 400 /)
  t.match(await exchange(listener.boundAddress, '/'), { status: 200 })
})

t.test('clients that do not send their request in time are disconnected', async t => {
  const { listener } = listen(t, { requestTimeoutMs: 500 })
  await listener.firstBind
  for (const start of ['', 'GET / HTTP/1.1\r\nHost: a\r\nX: ']) {
    const socket = connect(Number(listener.boundAddress?.split(':')[1]), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(start)
    socket.resume()
    await once(socket, 'close')
  }
  t.match(await exchange(listener.boundAddress, '/'), { status: 200 })
})

t.test('hosts that hold connections open keep neither this node nor another host out', async t => {
  const { listener } = listen(t)
  await listener.firstBind
  const port = Number(listener.boundAddress?.split(':')[1])
  const held = Array.from({ length: 40 }, () => connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }))
  t.teardown(() => held.forEach(socket => socket.destroy()))
  for (const socket of held) {
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  }
  t.match(String(await once(held.at(-1)!, 'data')), /^HTTP\/1\.1 200/, 'the limit is reached')
  for (let probe = 0; probe < 20; probe++) t.match(await exchange(listener.boundAddress, '/'), { status: 200 })
  const other = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.3' })
  other.end('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  t.match(String(await once(other, 'data')), /^HTTP\/1\.1 200/, 'another host')
})

t.test('a request that runs keeps its place while idle clients come and go', async t => {
  let finish = (): void => undefined
  const started = new Promise<void>(resolveStarted => {
    ROUTES.set('/slow', async () => {
      await new Promise<void>(resolve => {
        finish = resolve
        resolveStarted()
      })
      return { status: 200, contentType: 'text/plain', body: 'done' }
    })
  })
  t.teardown(() => ROUTES.delete('/slow'))
  const { listener } = listen(t)
  await listener.firstBind
  const response = exchange(listener.boundAddress, '/slow')
  await started
  const port = Number(listener.boundAddress?.split(':')[1])
  const idle = Array.from({ length: 40 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  t.teardown(() => idle.forEach(socket => socket.destroy()))
  await Promise.all(idle.slice(0, 9).map(socket => once(socket.resume(), 'close')))
  finish()
  t.match(await response, { status: 200, body: 'done' })
  t.match(await exchange(listener.boundAddress, '/'), { status: 200 }, 'the next client takes the place of an idle one')
})

t.test('a port in use is tried again until it is free, and each change is logged once', async t => {
  const occupant = createServer().listen(0, '127.0.0.1')
  await once(occupant, 'listening')
  const address = `127.0.0.1:${(occupant.address() as AddressInfo).port}`
  const { listener, log, clock } = listen(t, { address })

  const failure = await listener.firstBind
  t.ok(failure instanceof ProxyFailure)
  t.match(failure, {
    code: 'HTTP_BIND_FAILED',
    message: `Cannot serve healthz on "${address}"`,
    cause: { code: 'EADDRINUSE' },
  })
  t.match(failure?.hint, /healthzBindAddress/)
  t.equal(listener.boundAddress, undefined)

  for (let attempt = 0; attempt < 3; attempt++) {
    clock.advanceSync(4999)
    t.equal(clock.pendingTimers, 1, 'not before 5 s')
    clock.advanceSync(1)
    t.equal(clock.pendingTimers, 0, 'tries again')
    await clock.waitForTimer()
  }
  t.equal(log.entries.length, 1)
  t.match(log.entries[0], { severity: 'error', error: failure, fields: { retrySeconds: 5 } })

  occupant.close()
  await once(occupant, 'close')
  const bound = log.waitForEntry()
  clock.advanceSync(5000)
  t.match(await bound, { severity: 'info', fields: { address } })
  t.match(await exchange(address, '/'), { status: 200 })
})

t.test('an address that this machine does not have is a failure with its own hint', async t => {
  const { listener } = listen(t, { address: '192.0.2.1:80' })
  t.match(await listener.firstBind, { cause: { code: 'EADDRNOTAVAIL' }, hint: /Give this machine the address/ })
})

t.test('a text that is not an address is a failure', async t => {
  const { listener } = listen(t, { address: '127.0.0.1:99999' })
  t.match(await listener.firstBind, { code: 'HTTP_BIND_FAILED', cause: { code: 'ERR_SOCKET_BAD_PORT' } })
})

t.test('an empty address means no listener', async t => {
  const { listener, log, clock } = listen(t, { address: '' })
  t.equal(await listener.firstBind, undefined)
  t.equal(listener.boundAddress, undefined)
  await listener.close()
  t.strictSame([log.entries.length, clock.pendingTimers], [0, 0])
})

const HAS_IPV6 = Object.values(networkInterfaces()).some(list => list?.some(({ address }) => address === '::1'))

t.test('the unspecified address of either family accepts clients of both', async t => {
  for (const address of ['0.0.0.0:0', '[::]:0']) {
    const { listener } = listen(t, { address })
    await listener.firstBind
    const port = listener.boundAddress?.split(':').at(-1)
    t.match(await exchange(`127.0.0.1:${port}`, '/'), { status: 200 }, address)
    if (HAS_IPV6) t.match(await exchange(`[::1]:${port}`, '/'), { status: 200 }, address)
  }
})

t.test('close disconnects idle clients and clients that wait for a response', async t => {
  const { listener } = listen(t)
  await listener.firstBind
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const idle = get(`http://${listener.boundAddress}/`, { agent })
  const [response] = (await once(idle, 'response')) as [IncomingMessage]
  const idleClosed = once(response.socket, 'close')
  response.resume()
  const waiting = get(`http://${listener.boundAddress}/never`, { agent: false })
  const waitingFailed = once(waiting, 'error')
  await once(waiting, 'finish')
  const probe = exchange(listener.boundAddress, '/')
  await probe
  await listener.close()
  await idleClosed
  t.match(await waitingFailed.catch((error: unknown) => [error]), [{ code: 'ECONNRESET' }])
  t.equal(listener.boundAddress, undefined)
})

t.test('close cancels the next attempt', async t => {
  const { listener, clock } = listen(t, { address: '192.0.2.1:80' })
  await listener.firstBind
  t.equal(clock.pendingTimers, 1)
  await listener.close()
  t.equal(clock.pendingTimers, 0)
})

t.test('close during an attempt leaves no port open', async t => {
  const { listener, log } = listen(t)
  await listener.close()
  t.equal(await listener.firstBind, undefined)
  t.equal(listener.boundAddress, undefined)
  t.equal(log.entries.length, 0)
})
