import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import t, { type Test } from 'tap'
import { type ProxyFailure } from '../../lib/model/failure.js'
import { type ServiceHealth } from '../../lib/model/service-health.js'
import { ServiceHealthServers } from '../../lib/observe/service-health-servers.js'
import { exchange } from './http-exchange.js'
import { RecordingLog } from '../support/log/recording-log.js'

interface Fixture {
  readonly servers: ServiceHealthServers
  readonly failures: { readonly service: string; readonly port: number; readonly failure: ProxyFailure }[]
  readonly log: RecordingLog
  addresses: string[]
  healthy: boolean
  sync(...wanted: ServiceHealth[]): Promise<void>
}

function createFixture(t: Test): Fixture {
  const log = new RecordingLog()
  const failures: Fixture['failures'] = []
  const servers = new ServiceHealthServers({
    addresses: () => fixture.addresses,
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
    sync: async (...wanted) => {
      servers.sync(wanted)
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

/** Ports that were free a moment ago, all different. */
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

t.test('a node with endpoints of its own answers 200, on any path, with exactly the text of kube-proxy', async t => {
  const made = createFixture(t)
  const [port] = await freePorts(1)
  await made.sync({ namespace: 'shop', name: 'web', port: port!, localEndpoints: 3 })
  for (const path of ['/', '/healthz', '/any/thing?at=all']) {
    const answer = await exchange(`127.0.0.1:${port}`, path)
    t.equal(answer.status, 200, path)
    t.match(answer.headers, {
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
      'x-load-balancing-endpoint-weight': '3',
    })
    t.equal(
      answer.body,
      '{\n\t"service": {\n\t\t"namespace": "shop",\n\t\t"name": "web"\n\t},\n' +
        '\t"localEndpoints": 3,\n\t"serviceProxyHealthy": true\n}',
    )
  }
  t.match(await exchange(`127.0.0.1:${port}`, '/', 'HEAD'), { status: 200, body: '' })
  t.strictSame(made.failures, [])
})

t.test('a node without endpoints of its own answers 503 with weight 0', async t => {
  const made = createFixture(t)
  const [port] = await freePorts(1)
  await made.sync(health('web', port!, 0))
  const answer = await exchange(`127.0.0.1:${port}`, '/')
  t.match(answer, { status: 503, headers: { 'x-load-balancing-endpoint-weight': '0' } })
  t.match(JSON.parse(answer.body), { localEndpoints: 0, serviceProxyHealthy: true })
})

t.test('a proxy that lags behind answers 503, whatever endpoints it has, and says why', async t => {
  const made = createFixture(t)
  const [port] = await freePorts(1)
  await made.sync(health('web', port!, 2))
  made.healthy = false
  const answer = await exchange(`127.0.0.1:${port}`, '/')
  t.match(answer, { status: 503, headers: { 'x-load-balancing-endpoint-weight': '2' } })
  t.match(JSON.parse(answer.body), { localEndpoints: 2, serviceProxyHealthy: false })
  made.healthy = true
  t.match(await exchange(`127.0.0.1:${port}`, '/'), { status: 200 })
})

t.test('a change of counts is answered at once, by the server that was there', async t => {
  const made = createFixture(t)
  const [port] = await freePorts(1)
  await made.sync(health('web', port!, 1))
  const lines = made.log.entries.length
  made.servers.sync([health('web', port!, 7)])
  t.match(JSON.parse(await fetchBody(port!)), { localEndpoints: 7 })
  await made.servers.waitUntilSettled()
  t.equal(made.log.entries.length, lines, 'nothing was opened or closed')
})

t.test('a Service that goes takes its port along, and leaves the others', async t => {
  const made = createFixture(t)
  const [one, two] = await freePorts(2)
  await made.sync(health('one', one!), health('two', two!))
  await made.sync(health('two', two!))
  await t.rejects(fetchBody(one!), { code: 'ECONNREFUSED' })
  t.match(JSON.parse(await fetchBody(two!)), { service: { name: 'two' } })
})

t.test('a Service whose port changes is served at the new port only', async t => {
  const made = createFixture(t)
  const [old, next] = await freePorts(2)
  await made.sync(health('web', old!))
  await made.sync(health('web', next!))
  await t.rejects(fetchBody(old!), { code: 'ECONNREFUSED' })
  t.match(JSON.parse(await fetchBody(next!)), { service: { name: 'web' } })
})

t.test('two Services may exchange their ports', async t => {
  const made = createFixture(t)
  const [one, two] = await freePorts(2)
  await made.sync(health('a', one!), health('b', two!))
  await made.sync(health('a', two!), health('b', one!))
  t.match(JSON.parse(await fetchBody(two!)), { service: { name: 'a' } })
  t.match(JSON.parse(await fetchBody(one!)), { service: { name: 'b' } })
  t.strictSame(made.failures, [])
})

t.test('of many syncs in a row the last one counts', async t => {
  const made = createFixture(t)
  const ports = await freePorts(4)
  for (const port of ports) made.servers.sync([health('web', port)])
  await made.servers.waitUntilSettled()
  for (const port of ports.slice(0, 3)) await t.rejects(fetchBody(port), { code: 'ECONNREFUSED' })
  t.match(JSON.parse(await fetchBody(ports[3]!)), { service: { name: 'web' } })
})

t.test('every address has the port, of both families, and no other address has', async t => {
  const made = createFixture(t)
  made.addresses = HAS_IPV6 ? ['127.0.0.2', '::1'] : ['127.0.0.2']
  const [port] = await freePorts(1)
  await made.sync(health('web', port!))
  t.match(JSON.parse(await fetchBody(port!, '127.0.0.2')), { service: { name: 'web' } })
  if (HAS_IPV6) t.match(JSON.parse(await fetchBody(port!, '[::1]')), { service: { name: 'web' } })
  await t.rejects(fetchBody(port!, '127.0.0.1'), { code: 'ECONNREFUSED' })
})

t.test('unspecified addresses mean all addresses, also when both families have theirs', async t => {
  const made = createFixture(t)
  for (const addresses of [['0.0.0.0', '::'], ['::'], ['0.0.0.0'], ['127.0.0.1', '0.0.0.0']]) {
    made.addresses = addresses
    const [port] = await freePorts(1)
    await made.sync(health('web', port!))
    t.match(JSON.parse(await fetchBody(port!, '127.0.0.3')), { service: { name: 'web' } }, addresses.join())
    if (HAS_IPV6) t.match(JSON.parse(await fetchBody(port!, '[::1]')), { service: { name: 'web' } }, addresses.join())
  }
  t.strictSame(made.failures, [])
})

t.test('addresses that change are followed by the next sync', async t => {
  const made = createFixture(t)
  const [port] = await freePorts(1)
  await made.sync(health('web', port!))
  made.addresses = ['127.0.0.2']
  await made.sync(health('web', port!))
  await t.rejects(fetchBody(port!, '127.0.0.1'), { code: 'ECONNREFUSED' })
  t.match(JSON.parse(await fetchBody(port!, '127.0.0.2')), { service: { name: 'web' } })
  const lines = made.log.entries.length
  made.addresses = ['127.0.0.2', '127.0.0.2']
  await made.sync(health('web', port!))
  t.equal(made.log.entries.length, lines, 'the same addresses are no change')
})

t.test('a port that is taken on one address is opened on none, told once, and had as soon as it is free', async t => {
  const made = createFixture(t)
  made.addresses = ['127.0.0.1', '127.0.0.2']
  const { server, port } = await occupyPort('127.0.0.2')
  await made.sync(health('web', port))
  await t.rejects(fetchBody(port), { code: 'ECONNREFUSED' }, 'nothing is left open on the other address')
  t.match(made.failures, [
    { service: 'default/web', port, failure: { code: 'HTTP_BIND_FAILED', cause: { code: 'EADDRINUSE' } } },
  ])
  t.match(made.failures[0]?.failure.message, `127.0.0.2:${port}`)
  await made.sync(health('web', port))
  await made.sync(health('web', port))
  t.equal(made.failures.length, 1)
  t.equal(made.log.entries.filter(({ severity }) => severity === 'error').length, 1)

  await closeServer(server)
  await made.sync(health('web', port))
  t.match(JSON.parse(await fetchBody(port)), { service: { name: 'web' } })
  t.match(JSON.parse(await fetchBody(port, '127.0.0.2')), { service: { name: 'web' } })

  const again = await occupyPort('127.0.0.3', port)
  t.teardown(() => closeServer(again.server))
  made.addresses = ['127.0.0.3']
  await made.sync(health('web', port))
  t.equal(made.failures.length, 2, 'the next time is told again')

  made.addresses = ['192.0.2.1']
  await made.sync(health('web', port))
  t.match(made.failures[2], { failure: { cause: { code: 'EADDRNOTAVAIL' } } }, 'and so is another reason')
})

t.test('a Service that goes and comes back while its port is taken is told again', async t => {
  const made = createFixture(t)
  const { server, port } = await occupyPort('127.0.0.1')
  await made.sync(health('web', port))
  await made.sync()
  await made.sync(health('web', port))
  t.equal(made.failures.length, 2)
  await closeServer(server)
})

t.test('a port that is taken does not keep others from theirs', async t => {
  const made = createFixture(t)
  const { server, port } = await occupyPort('127.0.0.1')
  t.teardown(() => closeServer(server))
  const [free] = await freePorts(1)
  await made.sync(health('a', port), health('b', free!))
  t.match(JSON.parse(await fetchBody(free!)), { service: { name: 'b' } })
})

t.test('of two Services that want one port the first by name has it, and the other gets it when that goes', async t => {
  const made = createFixture(t)
  const [port] = await freePorts(1)
  await made.sync(health('b', port!))
  await made.sync(health('b', port!), health('a', port!))
  t.match(JSON.parse(await fetchBody(port!)), { service: { name: 'a' } })
  t.match(made.failures, [
    { service: 'default/b', failure: { code: 'HTTP_BIND_FAILED', message: /default\/a has it/ } },
  ])
  await made.sync(health('b', port!), health('a', port!))
  t.equal(made.failures.length, 1)
  await made.sync(health('b', port!))
  t.match(JSON.parse(await fetchBody(port!)), { service: { name: 'b' } })
})

t.test('addresses that cannot be had are told, and tried again', async t => {
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

t.test(
  'clients of all ports together are bounded, and the bound is told to whoever shares out descriptors',
  async t => {
    const { servers, sync } = createFixture(t)
    t.equal(servers.maxDescriptors, 0, 'without ports nothing is kept')
    const [first, second] = (await freePorts(2)) as [number, number]
    await sync(health('one', first), health('two', second))
    const clients = servers.maxDescriptors - 2
    const held = Array.from({ length: clients }, (_, index) => connect(index % 2 === 0 ? first : second, '127.0.0.1'))
    t.teardown(() => held.forEach(socket => socket.destroy()))
    await Promise.all(held.map(socket => once(socket, 'connect')))
    const last = held.at(-1)!
    last.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    t.match(String(await once(last, 'data')), /^HTTP\/1\.1 200/, 'all of them have a place')
    const tooMany = connect(first, '127.0.0.1')
    tooMany.on('error', () => undefined)
    await once(tooMany, 'close')
    held[0]!.destroy()
    t.equal((await waitForResponse(second)).status, 200, 'a place that is free again is taken, at any of the ports')
  },
)

/** Asks again as long as there is no place: the server notices the end of a client a little after the client. */
async function waitForResponse(port: number): ReturnType<typeof exchange> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await exchange(`127.0.0.1:${port}`, '/')
    } catch (error) {
      if (attempt === 1000) throw error
    }
  }
}

t.test('close frees all ports, also those that are being opened, and nothing opens after it', async t => {
  const made = createFixture(t)
  const [one, two, three] = await freePorts(3)
  await made.sync(health('one', one!))
  made.servers.sync([health('one', one!), health('two', two!)])
  await made.servers.close()
  await made.sync(health('three', three!))
  for (const port of [one, two, three]) await t.rejects(fetchBody(port!), { code: 'ECONNREFUSED' })
  await made.servers.close()
})
