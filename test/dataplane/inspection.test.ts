import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import t, { type Test } from 'tap'
import { type EndKind, portNameOf } from '../../lib/dataplane/inspect-request.js'
import { TcpProxy } from '../../lib/dataplane/tcp/tcp-proxy.js'
import { type TcpTransport } from '../../lib/dataplane/transport/tcp-transport.js'
import { UdpProxy } from '../../lib/dataplane/udp/udp-proxy.js'
import { inspectedRows, nextEnded } from '../support/dataplane/inspected-rows.js'
import { PlaneUnderTest, WORKERS, makeListenerSpec, waitUntil } from '../support/dataplane/plane-under-test.js'
import { testBothTransports as testTcp } from '../support/dataplane/test-both-tcp-transports.js'
import { testBothTransports as testUdp } from '../support/dataplane/test-both-udp-transports.js'
import { RecordingLog } from '../support/log/recording-log.js'
import { TcpPod, exchange, readAnswer, refusingEndpoint } from '../support/pods/tcp-pod.js'
import { UdpPod, openUdpClient } from '../support/pods/udp-pod.js'
import { unresponsiveEndpoint } from '../support/pods/unresponsive-endpoint.js'

const inOneProcess = WORKERS > 0 && 'of one process'

function keyOf({ ip, port }: { readonly ip: string; readonly port: number }): string {
  return `${ip}:${port}`
}

/** An open connection through a plane, whose ends the test has. */
async function openPair(t: Test, transport: TcpTransport) {
  const pod = await TcpPod.start(t, socket => socket.pause())
  const plane = new PlaneUnderTest(t, { transport }, { keepAliveIdle: 600_000 })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
  const client = connect({ port: port!, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined)
  t.teardown(() => client.destroy())
  await waitUntil(() => pod.sockets.length === 1, 'the connection is open')
  await waitUntil(
    async () => (await inspectedRows(plane, 'connections')).some(({ state }) => state === 'open'),
    'the connection is listed',
  )
  return { plane, pod, client, endpoint: pod.sockets[0]! }
}

type Pair = Awaited<ReturnType<typeof openPair>>

/** How the ends of an open connection end it. */
const ENDS: readonly (readonly [how: string, end: EndKind, make: (pair: Pair) => Promise<void> | void])[] = [
  [
    'both sides close',
    'closed',
    ({ client, endpoint }) => {
      client.end()
      endpoint.end()
    },
  ],
  ['the client resets', 'reset-by-client', ({ client }) => void client.resetAndDestroy()],
  ['the endpoint resets', 'reset-by-endpoint', ({ endpoint }) => void endpoint.resetAndDestroy()],
  [
    'the client goes after it has ended its direction',
    'ended-by-proxy',
    ({ client, endpoint }) => goAfterEnd(client, endpoint),
  ],
  [
    'the endpoint goes after it has ended its direction',
    'ended-by-proxy',
    ({ client, endpoint }) => goAfterEnd(endpoint, client),
  ],
]

async function goAfterEnd(from: Socket, to: Socket): Promise<void> {
  from.end('the end')
  await once(to.resume(), 'end')
  from.resetAndDestroy()
}

for (const [how, end, make] of ENDS)
  testTcp(`if ${how}, the connection is listed as ${end}, with its endpoint`, async (t, transport) => {
    const pair = await openPair(t, transport)
    await make(pair)
    t.match(await nextEnded(pair.plane), {
      ...{ end, tries: 1, endpoint: keyOf(pair.pod.endpoint), listener: { service: 'web' } },
      ...{ client: '127.0.0.1', bytesToEndpoint: Number, bytesToClient: Number, state: undefined },
    })
    t.strictSame(await inspectedRows(pair.plane, 'connections'), [])
  })

testTcp(
  'a connection that a drain ends is listed as ended by the proxy',
  async (t, transport) => {
    const { plane } = await openPair(t, transport)
    await plane.plane.drain(0)
    t.match(await nextEnded(plane), { end: 'ended-by-proxy', tries: 1 })
  },
  inOneProcess,
)

testTcp('a client that leaves during its dial is listed with the endpoint that was tried', async (t, transport) => {
  const silent = await unresponsiveEndpoint(t)
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [silent] }))
  const client = connect(port!, '127.0.0.1').on('error', () => undefined)
  await waitUntil(
    async () => (await inspectedRows(plane, 'connections'))[0]?.tries === 1,
    'the client is being dialled',
  )
  t.match(await inspectedRows(plane, 'connections'), [{ state: 'dialling', endpoint: keyOf(silent) }])
  client.resetAndDestroy()
  t.match(await nextEnded(plane), { end: 'client-left', tries: 1, endpoint: keyOf(silent) })
})

testTcp('a client that no endpoint may have is listed as refused, without endpoint', async (t, transport) => {
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [], holdsNodePort: true }))
  t.equal((await exchange(port!)).error, 'ECONNRESET')
  t.match(await nextEnded(plane), { end: 'refused', tries: 0, endpoint: '' })
})

testTcp(
  'a client that all endpoints refuse is listed with the last that was tried, not with the next one',
  async (t, transport) => {
    const log = new RecordingLog()
    const plane = new PlaneUnderTest(t, { transport, log })
    const endpoints = [await refusingEndpoint(), await refusingEndpoint(), await refusingEndpoint()]
    const [port] = await plane.apply(makeListenerSpec({ endpoints }))
    t.equal((await exchange(port!)).error, 'ECONNRESET')
    const tried = log.entriesWith('Endpoint did not take a connection')
    t.match(await nextEnded(plane), {
      ...{ end: 'refused', tries: tried.length, endpoint: tried.at(-1)!.fields['endpoint'] },
    })
  },
  inOneProcess,
)

testUdp('a flow that ends is listed with its endpoint', async (t, udpTransport) => {
  const pod = await UdpPod.start(t, 'pod')
  const plane = new PlaneUnderTest(t, { udpTransport })
  const spec = makeListenerSpec({ protocol: 'UDP', endpoints: [pod.endpoint] })
  const [port] = await plane.apply(spec)
  const client = await openUdpClient(t, port!)
  t.equal(await client.ask('1'), 'pod 1')
  t.match(await inspectedRows(plane, 'connections'), [{ state: 'open', endpoint: keyOf(pod.endpoint), tries: 0 }])
  await plane.apply({ ...spec, endpoints: [] })
  const ended = await nextEnded(plane)
  t.match(ended, { end: 'flow-ended', endpoint: keyOf(pod.endpoint), clientPort: client.port })
  t.notOk('bytesToClient' in ended, 'bytes are not counted for one flow')
})

testUdp('a datagram that no endpoint may have is a flow that was refused', async (t, udpTransport) => {
  const plane = new PlaneUnderTest(t, { udpTransport })
  const [port] = await plane.apply(makeListenerSpec({ protocol: 'UDP', endpoints: [], holdsNodePort: true }))
  const client = await openUdpClient(t, port!)
  client.send('1')
  t.match(await nextEnded(plane), { end: 'refused', endpoint: '' })
})

t.test('a listener without endpoints is listed as one that does not listen', async t => {
  const plane = new PlaneUnderTest(t)
  const specs = (['TCP', 'UDP'] as const).map(protocol =>
    makeListenerSpec({ key: protocol, service: protocol, protocol, endpoints: [] }),
  )
  const held = makeListenerSpec({ key: 'held', service: 'held', endpoints: [], holdsNodePort: true })
  const listening = async () =>
    Object.fromEntries(
      (await inspectedRows(plane, 'listeners')).map(({ listener: { key }, isListening }) => [key, isListening]),
    )
  await plane.apply(...specs, held)
  t.strictSame(await listening(), { TCP: false, UDP: false, held: true })
  await plane.apply(...specs.map(spec => ({ ...spec, endpoints: [{ ip: '127.0.0.1', port: 9 }] })), held)
  t.strictSame(await listening(), { TCP: true, UDP: true, held: true })
  await plane.apply(...specs, held)
  t.strictSame(await listening(), { TCP: false, UDP: false, held: true })
})

t.test('endpoints are listed for the ports that are asked for, whatever comes before them', async t => {
  const pod = await TcpPod.start(t, () => undefined)
  const plane = new PlaneUnderTest(t)
  const endpoints = [pod.endpoint, { ip: '127.0.0.1', port: 9 }]
  const specs = ['a', 'b', 'c'].map(service => makeListenerSpec({ key: service, service, endpoints }))
  const ports = await plane.apply(...specs)
  const client = connect(ports[2]!, '127.0.0.1').on('error', () => undefined)
  t.teardown(() => client.destroy())
  await waitUntil(() => pod.sockets.length === 1, 'the connection is open')
  const asked = new Set([portNameOf(specs[2]!)])
  const rows = await inspectedRows(plane, 'endpoints', { ports: asked })
  t.ok(rows.every(({ listener }) => listener.service === 'c'))
  const open = (key: string) => rows.filter(({ address }) => address === key).reduce((sum, row) => sum + row.open, 0)
  t.strictSame(
    endpoints.map(endpoint => open(keyOf(endpoint))),
    [1, 0],
  )
  t.equal((await inspectedRows(plane, 'endpoints', { service: 'a' })).length, endpoints.length * Math.max(1, WORKERS))
  t.equal((await inspectedRows(plane, 'endpoints', { limit: 1 })).length, Math.max(1, WORKERS))
})

t.test('ejected endpoints are listed as such, and no connection is looked at for them', async t => {
  const pod = await TcpPod.startNamed(t, 'pod')
  const refusing = await refusingEndpoint()
  const plane = new PlaneUnderTest(t)
  const endpoints = [refusing, pod.endpoint]
  const other = makeListenerSpec({ key: 'other', service: 'other', endpoints })
  const [port] = await plane.apply(makeListenerSpec({ endpoints }), other)
  const ejected = async (request = {}) =>
    (await inspectedRows(plane, 'endpoints', request)).filter(({ ejectedForMs }) => ejectedForMs > 0)
  t.strictSame(await ejected(), [])
  // Each worker has its own balancer.
  await waitUntil(async () => {
    t.equal(await readAnswer(port!), 'pod')
    return (await ejected()).length > 0
  }, 'the endpoint is ejected')
  for (const proxy of [TcpProxy, UdpProxy])
    t.intercept(proxy.prototype, 'counts', {
      value: () => {
        throw new Error('counts walks all connections')
      },
    })
  const [row, ...others] = await ejected({ service: 'web' })
  t.match(row, { address: keyOf(refusing), listener: { service: 'web' } })
  t.ok(row!.ejectedForMs + row!.ejectedMsAgo >= 2000, JSON.stringify(row))
  t.ok(others.every(({ address }) => address === row!.address))
  for (const { active } of await inspectedRows(plane, 'listeners')) t.type(active, 'number')
})

t.test('a connection is listed once, before and after its listener has closed', async t => {
  const pod = await TcpPod.start(t, () => undefined)
  const plane = new PlaneUnderTest(t)
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
  const client = connect(port!, '127.0.0.1').on('error', () => undefined)
  t.teardown(() => client.destroy())
  await waitUntil(() => pod.sockets.length === 1, 'the connection is open')
  t.equal((await inspectedRows(plane, 'connections')).length, 1)
  await plane.apply()
  t.equal((await inspectedRows(plane, 'connections')).length, 1)
})

t.test('each process says which endpoint is next, and what one client keeps', async t => {
  const pods = [await TcpPod.startNamed(t, 'a'), await TcpPod.startNamed(t, 'b'), await TcpPod.startNamed(t, 'c')]
  const plane = new PlaneUnderTest(t)
  const endpoints = pods.map(({ endpoint }) => endpoint)
  const sticky = makeListenerSpec({ key: 'sticky', service: 'sticky', endpoints, affinityMs: 60_000 })
  const [port, stickyPort] = await plane.apply(makeListenerSpec({ endpoints }), sticky)
  const nextOf = async (service: string) =>
    (await inspectedRows(plane, 'endpoints', { service }))
      .filter(({ isNext }) => isNext)
      .map(({ address }) => 'abc'[endpoints.findIndex(endpoint => keyOf(endpoint) === address)]!)
  for (let n = 0; n < 5; n++) {
    const next = await nextOf('web')
    t.equal(next.length, Math.max(1, WORKERS), 'one in each process')
    t.ok(next.includes(await readAnswer(port!)), `of ${next.join()}`)
  }
  const [next] = await nextOf('sticky')
  const kept = await readAnswer(stickyPort!)
  if (WORKERS < 2) t.equal(kept, next)
  const [record, ...others] = await inspectedRows(plane, 'affinity', { client: '127.0.0.1' })
  t.match(record, { client: '127.0.0.1', endpoint: keyOf(endpoints['abc'.indexOf(kept)]!) })
  t.strictSame(others, [])
  t.strictSame(await inspectedRows(plane, 'affinity', { client: '127.0.0.2' }), [])
  t.equal((await inspectedRows(plane, 'affinity')).length, 1)
})
