import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import t, { type Test } from 'tap'
import { type ProxyFailure } from '../../lib/model/failure.js'
import { ServiceHealthServers } from '../../lib/observe/service-health-servers.js'
import { type ServiceHealth } from '../../lib/snapshot/services-health.js'
import { exchange } from './http-exchange.js'
import { RecordingLog } from '../support/log/recording-log.js'

interface Fixture {
  readonly servers: ServiceHealthServers
  readonly failures: { readonly service: string; readonly port: number; readonly failure: ProxyFailure }[]
  readonly log: RecordingLog
  addresses: string[]
  healthy: boolean
  sync(...desired: ServiceHealth[]): Promise<void>
}

function createFixture(t: Test, bindAfter?: Promise<unknown>): Fixture {
  const log = new RecordingLog()
  const failures: Fixture['failures'] = []
  const servers = new ServiceHealthServers({
    addresses: () => fixture.addresses,
    bindAfter,
    isHealthy: () => fixture.healthy,
    onBindFailure: ({ namespace, name }, port, failure) =>
      failures.push({ service: `${namespace}/${name}`, port, failure }),
    log,
  })
  const fixture: Fixture = {
    servers,
    failures,
    log,
    addresses: ['127.0.0.1'],
    healthy: true,
    sync: async (...desired) => {
      servers.sync(desired)
      await servers.waitUntilSettled()
    },
  }
  t.teardown(() => servers.close())
  return fixture
}

function health(name: string, port: number, localEndpoints = 1): ServiceHealth {
  return { namespace: 'default', name, port, localEndpoints }
}

async function occupyPort(host: string, port = 0): Promise<{ server: Server; port: number }> {
  const server = createServer(socket => socket.destroy()).listen(port, host)
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

async function closeServer(server: Server): Promise<void> {
  server.close()
  await once(server, 'close')
}

/** Different ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const held = await Promise.all(Array.from({ length: count }, () => occupyPort('127.0.0.1')))
  await Promise.all(held.map(({ server }) => closeServer(server)))
  return held.map(({ port }) => port)
}

async function fetchBody(port: number, host = '127.0.0.1'): Promise<string> {
  return (await exchange(`${host}:${port}`, '/')).body
}

const HAS_IPV6 = await occupyPort('::1').then(
  ({ server }) => closeServer(server).then(() => true),
  () => false,
)

t.test('a node with local endpoints responds on any path with 200 and exactly the text of kube-proxy', async t => {
  const fixture = createFixture(t)
  const [port] = await freePorts(1)
  await fixture.sync({ namespace: 'shop', name: 'web', port: port!, localEndpoints: 3 })
  for (const path of ['/', '/healthz', '/any/thing?at=all']) {
    const response = await exchange(`127.0.0.1:${port}`, path)
    t.equal(response.status, 200, path)
    t.match(response.headers, {
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
      'x-load-balancing-endpoint-weight': '3',
    })
    t.equal(
      response.body,
      '{\n\t"service": {\n\t\t"namespace": "shop",\n\t\t"name": "web"\n\t},\n' +
        '\t"localEndpoints": 3,\n\t"serviceProxyHealthy": true\n}',
    )
  }
  t.match(await exchange(`127.0.0.1:${port}`, '/', 'HEAD'), { status: 200, body: '' })
  t.strictSame(fixture.failures, [])
})

t.test('a node without local endpoints responds with 503 and weight 0', async t => {
  const fixture = createFixture(t)
  const [port] = await freePorts(1)
  await fixture.sync(health('web', port!, 0))
  const response = await exchange(`127.0.0.1:${port}`, '/')
  t.match(response, { status: 503, headers: { 'x-load-balancing-endpoint-weight': '0' } })
  t.match(JSON.parse(response.body), { localEndpoints: 0, serviceProxyHealthy: true })
})

t.test('an unhealthy proxy responds with 503 and the reason, whatever endpoints it has', async t => {
  const fixture = createFixture(t)
  const [port] = await freePorts(1)
  await fixture.sync(health('web', port!, 2))
  fixture.healthy = false
  const response = await exchange(`127.0.0.1:${port}`, '/')
  t.match(response, { status: 503, headers: { 'x-load-balancing-endpoint-weight': '2' } })
  t.match(JSON.parse(response.body), { localEndpoints: 2, serviceProxyHealthy: false })
  fixture.healthy = true
  t.match(await exchange(`127.0.0.1:${port}`, '/'), { status: 200 })
})

t.test('the same server reports a change of counts at once', async t => {
  const fixture = createFixture(t)
  const [port] = await freePorts(1)
  await fixture.sync(health('web', port!, 1))
  const lines = fixture.log.entries.length
  fixture.servers.sync([health('web', port!, 7)])
  t.match(JSON.parse(await fetchBody(port!)), { localEndpoints: 7 })
  await fixture.servers.waitUntilSettled()
  t.equal(fixture.log.entries.length, lines, 'no port was opened or closed')
})

t.test('the port of a removed Service closes, and the other ports stay open', async t => {
  const fixture = createFixture(t)
  const [one, two] = await freePorts(2)
  await fixture.sync(health('one', one!), health('two', two!))
  await fixture.sync(health('two', two!))
  await t.rejects(fetchBody(one!), { code: 'ECONNREFUSED' })
  t.match(JSON.parse(await fetchBody(two!)), { service: { name: 'two' } })
})

t.test('after a change of its port, a Service is served at the new port only', async t => {
  const fixture = createFixture(t)
  const [old, next] = await freePorts(2)
  await fixture.sync(health('web', old!))
  await fixture.sync(health('web', next!))
  await t.rejects(fetchBody(old!), { code: 'ECONNREFUSED' })
  t.match(JSON.parse(await fetchBody(next!)), { service: { name: 'web' } })
})

t.test('two Services can exchange their ports', async t => {
  const fixture = createFixture(t)
  const [one, two] = await freePorts(2)
  await fixture.sync(health('a', one!), health('b', two!))
  await fixture.sync(health('a', two!), health('b', one!))
  t.match(JSON.parse(await fetchBody(two!)), { service: { name: 'a' } })
  t.match(JSON.parse(await fetchBody(one!)), { service: { name: 'b' } })
  t.strictSame(fixture.failures, [])
})

t.test('of many syncs in a row the last one decides', async t => {
  const fixture = createFixture(t)
  const ports = await freePorts(4)
  for (const port of ports) fixture.servers.sync([health('web', port)])
  await fixture.servers.waitUntilSettled()
  for (const port of ports.slice(0, 3)) await t.rejects(fetchBody(port), { code: 'ECONNREFUSED' })
  t.match(JSON.parse(await fetchBody(ports[3]!)), { service: { name: 'web' } })
})

t.test('the port is open on each address of both families, and on no other address', async t => {
  const fixture = createFixture(t)
  fixture.addresses = HAS_IPV6 ? ['127.0.0.2', '::1'] : ['127.0.0.2']
  const [port] = await freePorts(1)
  await fixture.sync(health('web', port!))
  t.match(JSON.parse(await fetchBody(port!, '127.0.0.2')), { service: { name: 'web' } })
  if (HAS_IPV6) t.match(JSON.parse(await fetchBody(port!, '[::1]')), { service: { name: 'web' } })
  await t.rejects(fetchBody(port!, '127.0.0.1'), { code: 'ECONNREFUSED' })
})

t.test('an unspecified address means all addresses, also with those of both families', async t => {
  const fixture = createFixture(t)
  for (const addresses of [['0.0.0.0', '::'], ['::'], ['0.0.0.0'], ['127.0.0.1', '0.0.0.0']]) {
    fixture.addresses = addresses
    const [port] = await freePorts(1)
    await fixture.sync(health('web', port!))
    t.match(JSON.parse(await fetchBody(port!, '127.0.0.3')), { service: { name: 'web' } }, addresses.join())
    if (HAS_IPV6) t.match(JSON.parse(await fetchBody(port!, '[::1]')), { service: { name: 'web' } }, addresses.join())
  }
  t.strictSame(fixture.failures, [])
})

t.test('the next sync applies a change of addresses', async t => {
  const fixture = createFixture(t)
  const [port] = await freePorts(1)
  await fixture.sync(health('web', port!))
  fixture.addresses = ['127.0.0.2']
  await fixture.sync(health('web', port!))
  await t.rejects(fetchBody(port!, '127.0.0.1'), { code: 'ECONNREFUSED' })
  t.match(JSON.parse(await fetchBody(port!, '127.0.0.2')), { service: { name: 'web' } })
  const lines = fixture.log.entries.length
  fixture.addresses = ['127.0.0.2', '127.0.0.2']
  await fixture.sync(health('web', port!))
  t.equal(fixture.log.entries.length, lines, 'the same addresses are no change')
})

t.test('a port in use on one address is opened on none, reported once, and opened when it is free', async t => {
  const fixture = createFixture(t)
  fixture.addresses = ['127.0.0.1', '127.0.0.2']
  const { server, port } = await occupyPort('127.0.0.2')
  await fixture.sync(health('web', port))
  await t.rejects(fetchBody(port), { code: 'ECONNREFUSED' }, 'the port is closed on the other address')
  t.match(fixture.failures, [
    { service: 'default/web', port, failure: { code: 'HTTP_BIND_FAILED', cause: { code: 'EADDRINUSE' } } },
  ])
  t.match(fixture.failures[0]?.failure.message, `127.0.0.2:${port}`)
  await fixture.sync(health('web', port))
  await fixture.sync(health('web', port))
  t.equal(fixture.failures.length, 1)
  t.equal(fixture.log.entries.filter(({ severity }) => severity === 'error').length, 1)

  await closeServer(server)
  await fixture.sync(health('web', port))
  t.match(JSON.parse(await fetchBody(port)), { service: { name: 'web' } })
  t.match(JSON.parse(await fetchBody(port, '127.0.0.2')), { service: { name: 'web' } })

  const again = await occupyPort('127.0.0.3', port)
  t.teardown(() => closeServer(again.server))
  fixture.addresses = ['127.0.0.3']
  await fixture.sync(health('web', port))
  t.equal(fixture.failures.length, 2, 'the same problem is reported when it comes back')

  fixture.addresses = ['192.0.2.1']
  await fixture.sync(health('web', port))
  t.match(fixture.failures[2], { failure: { cause: { code: 'EADDRNOTAVAIL' } } }, 'another reason is reported too')
})

t.test('a Service that is removed and created again while its port is in use is reported again', async t => {
  const fixture = createFixture(t)
  const { server, port } = await occupyPort('127.0.0.1')
  await fixture.sync(health('web', port))
  await fixture.sync()
  await fixture.sync(health('web', port))
  t.equal(fixture.failures.length, 2)
  await closeServer(server)
})

t.test('a port in use does not affect other ports', async t => {
  const fixture = createFixture(t)
  const { server, port } = await occupyPort('127.0.0.1')
  t.teardown(() => closeServer(server))
  const [free] = await freePorts(1)
  await fixture.sync(health('a', port), health('b', free!))
  t.match(JSON.parse(await fetchBody(free!)), { service: { name: 'b' } })
})

t.test('of two Services with one port the first by name gets it, and the other one after that is removed', async t => {
  const fixture = createFixture(t)
  const [port] = await freePorts(1)
  await fixture.sync(health('b', port!))
  await fixture.sync(health('b', port!), health('a', port!))
  t.match(JSON.parse(await fetchBody(port!)), { service: { name: 'a' } })
  t.match(fixture.failures, [
    { service: 'default/b', failure: { code: 'HTTP_BIND_FAILED', message: /Service default\/a uses it/ } },
  ])
  await fixture.sync(health('b', port!), health('a', port!))
  t.equal(fixture.failures.length, 1)
  await fixture.sync(health('b', port!))
  t.match(JSON.parse(await fetchBody(port!)), { service: { name: 'b' } })
})

t.test('an error while reading the addresses is logged, and the next sync tries again', async t => {
  const log = new RecordingLog()
  const [port] = await freePorts(1)
  let fails = true
  const servers = new ServiceHealthServers({
    addresses: () => {
      if (fails) throw new Error('no addresses')
      return ['127.0.0.1']
    },
    isHealthy: () => true,
    onBindFailure: () => {},
    log,
  })
  t.teardown(() => servers.close())
  servers.sync([health('web', port!)])
  await servers.waitUntilSettled()
  t.match(log.entries, [{ severity: 'error', error: { message: 'no addresses' } }])
  fails = false
  servers.sync([health('web', port!)])
  await servers.waitUntilSettled()
  t.match(JSON.parse(await fetchBody(port!)), { service: { name: 'web' } })
})

t.test('the clients of all ports have one limit, which is part of the descriptors', async t => {
  const { servers, sync } = createFixture(t)
  t.equal(servers.maxDescriptors, 0, 'no descriptors without ports')
  const [first, second] = (await freePorts(2)) as [number, number]
  await sync(health('one', first), health('two', second))
  const clients = servers.maxDescriptors - 2
  const held = Array.from({ length: clients }, (_, index) => connect(index % 2 === 0 ? first : second, '127.0.0.1'))
  t.teardown(() => held.forEach(socket => socket.destroy()))
  await Promise.all(held.map(socket => once(socket, 'connect')))
  const last = held.at(-1)!
  last.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  t.match(String(await once(last, 'data')), /^HTTP\/1\.1 200/, 'all of them are within the limit')
  const closed = once(held[0]!, 'close')
  t.equal((await exchange(`127.0.0.1:${second}`, '/')).status, 200, 'a new client of any port gets a place')
  await closed
  t.pass('the client that was idle longest gave its place, though it used another port')
  last.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  t.match(String(await once(last, 'data')), /^HTTP\/1\.1 200/, 'the client that sent the last request kept its place')
})

t.test('close frees all ports, also those that are opening, and no port opens after it', async t => {
  const fixture = createFixture(t)
  const [one, two, three] = await freePorts(3)
  await fixture.sync(health('one', one!))
  fixture.servers.sync([health('one', one!), health('two', two!)])
  await fixture.servers.close()
  await fixture.sync(health('three', three!))
  for (const port of [one, two, three]) await t.rejects(fetchBody(port!), { code: 'ECONNREFUSED' })
  await fixture.servers.close()
})

t.test('while another proxy may have the ports, none is opened; then those of the last sync are', async t => {
  let release = (): void => undefined
  const { sync, failures, servers } = createFixture(t, new Promise<void>(resolve => (release = resolve)))
  const { server, port } = await occupyPort('127.0.0.1')
  await sync(health('early', port))
  await sync(health('web', port, 2))
  await closeServer(server)
  release()
  await new Promise(resolve => setImmediate(resolve))
  await servers.waitUntilSettled()
  t.match(await fetchBody(port), /"name": "web"/)
  t.strictSame(failures, [])
})

t.test('servers that still wait for their ports can be closed', async t => {
  const { sync, servers } = createFixture(t, new Promise(() => undefined))
  await sync(health('web', 1))
  await servers.close()
})
