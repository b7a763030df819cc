import { once } from 'node:events'
import { type Socket, connect, createServer } from 'node:net'
import t, { type Test } from 'tap'
import { ManualClock } from '../support/clock/manual-clock.js'
import { PlaneUnderTest, makeListenerSpec, waitUntil } from '../support/dataplane/plane-under-test.js'
import { TcpPod, readAnswer, refusingEndpoint } from '../support/pods/tcp-pod.js'
import { UdpPod, refusingUdpEndpoint, openUdpClient } from '../support/pods/udp-pod.js'

/** Pods that send their name, and keep a connection open as long as the client does. */
function startIdlePods(t: Test, ...names: readonly string[]): Promise<TcpPod[]> {
  return Promise.all(names.map(name => TcpPod.start(t, socket => holdOpen(socket, name))))
}

function holdOpen(socket: Socket, name: string): void {
  socket.on('error', () => undefined).on('end', () => socket.end())
  socket.resume().write(name)
}

/** An open connection, and the name of its Pod. */
async function connectClient(t: Test, port: number): Promise<{ name: string; socket: Socket }> {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  const [name] = (await once(socket, 'data')) as [Buffer]
  return { name: name.toString(), socket }
}

async function connectClients(t: Test, port: number, count: number) {
  const made: Awaited<ReturnType<typeof connectClient>>[] = []
  for (let i = 0; i < count; i++) made.push(await connectClient(t, port))
  return { names: made.map(({ name }) => name).join(''), sockets: made.map(({ socket }) => socket) }
}

t.test('least connections sends new clients to the endpoint that others have left', async t => {
  const pods = await startIdlePods(t, 'a', 'b')
  const plane = new PlaneUnderTest(t)
  const [port] = await plane.apply(
    makeListenerSpec({ endpoints: pods.map(pod => pod.endpoint), balancer: 'least-connections' }),
  )
  const { names, sockets } = await connectClients(t, port!, 4)
  t.equal(names, 'abab')
  sockets[1]!.destroy()
  sockets[3]!.destroy()
  await waitUntil(async () => (await plane.trafficCounts()).active === 2, 'both connections to b have ended')
  t.equal((await connectClients(t, port!, 3)).names, 'bba')
})

t.test('clients that come at the same time are spread over all endpoints', async t => {
  const pods = await startIdlePods(t, 'a', 'b', 'c', 'd')
  // On a busy machine, 250 ms without an answer would mean nothing.
  const plane = new PlaneUnderTest(t, {}, { dialSchedule: [10_000] })
  const [port] = await plane.apply(
    makeListenerSpec({ endpoints: pods.map(pod => pod.endpoint), balancer: 'least-connections' }),
  )
  const burst = await Promise.all(Array.from({ length: 20 }, () => connectClient(t, port!)))
  t.equal(
    burst
      .map(({ name }) => name)
      .sort()
      .join(''),
    'aaaaabbbbbcccccddddd',
  )
})

t.test('another balancer applies to an open listener, and counts its open connections', async t => {
  const pods = await startIdlePods(t, 'a', 'b')
  const endpoints = pods.map(pod => pod.endpoint)
  const plane = new PlaneUnderTest(t)
  const [port] = await plane.apply(makeListenerSpec({ endpoints }))
  const { names, sockets } = await connectClients(t, port!, 5)
  t.equal(names, 'ababa')
  sockets[1]!.destroy()
  await waitUntil(async () => (await plane.trafficCounts()).active === 4, 'one connection to b has ended')
  t.strictSame(await plane.apply(makeListenerSpec({ endpoints, balancer: 'least-connections' })), [port])
  t.equal((await connectClients(t, port!, 3)).names, 'bba', 'a has three, b one')
  await plane.apply(makeListenerSpec({ endpoints }))
  t.equal((await plane.trafficCounts()).active, 7, 'all connections are still open')
})

t.test('random two choices picks the less busy of two endpoints', async t => {
  const pods = await startIdlePods(t, 'a', 'b')
  const plane = new PlaneUnderTest(t)
  const [port] = await plane.apply(
    makeListenerSpec({ endpoints: pods.map(pod => pod.endpoint), balancer: 'random-two-choices' }),
  )
  t.equal(
    (await connectClients(t, port!, 4)).names,
    'abab',
    'with 0 for every random number the first choice is the first endpoint',
  )
})

t.test('a failed dial does not count as a connection of its endpoint', async t => {
  const clock = new ManualClock()
  const dead = await refusingEndpoint('127.0.0.1')
  const [live] = await startIdlePods(t, 'l')
  const plane = new PlaneUnderTest(t, { clock })
  const [port] = await plane.apply(
    makeListenerSpec({ endpoints: [dead, live!.endpoint], balancer: 'least-connections' }),
  )
  t.equal((await connectClients(t, port!, 2)).names, 'll')
  t.equal((await plane.trafficCounts()).dialFailures, 1)
  await listenAgain(t, dead.port, 'd')
  await clock.advance(2000)
  t.equal((await connectClients(t, port!, 2)).names, 'dd', 'it has none, the other has two')
})

t.test('old connections of an endpoint that left and came back do not count', async t => {
  const pods = await startIdlePods(t, 'a', 'b')
  const [a, b] = pods.map(pod => pod.endpoint)
  const plane = new PlaneUnderTest(t)
  const list = (...endpoints: readonly (typeof a)[]) =>
    plane.apply(makeListenerSpec({ endpoints: endpoints.map(endpoint => endpoint!), balancer: 'least-connections' }))
  const [port] = await list(a, b)
  const { names, sockets } = await connectClients(t, port!, 4)
  t.equal(names, 'abab')
  await list(b)
  await list(a, b)
  sockets[0]!.destroy()
  sockets[2]!.destroy()
  await waitUntil(async () => (await plane.trafficCounts()).active === 2, 'the old connections to a have ended')
  t.equal((await connectClients(t, port!, 3)).names, 'aab', 'a starts at none, not below')
})

t.test('an endpoint that fails is ejected, longer each time, until a client reaches it', async t => {
  const clock = new ManualClock()
  const dead = await refusingEndpoint('127.0.0.1')
  const live = await TcpPod.startNamed(t, 'live')
  const plane = new PlaneUnderTest(t, { clock })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [dead, live.endpoint] }))
  const failuresOf = async (clients: number) => {
    const before = (await plane.trafficCounts()).dialFailures
    for (let i = 0; i < clients; i++) t.equal(await readAnswer(port!), 'live')
    return (await plane.trafficCounts()).dialFailures - before
  }
  t.equal(await failuresOf(6), 1, 'only one client met the failure')
  t.match(await plane.trafficCounts(), { ejections: 1, ejected: 1 })
  await clock.advance(2000)
  t.match(await plane.trafficCounts(), { ejections: 1, ejected: 0 })
  t.equal(await failuresOf(6), 1)
  await clock.advance(3999)
  t.match(await plane.trafficCounts(), { ejections: 2, ejected: 1 }, 'four seconds the second time')
  await clock.advance(1)
  await listenAgain(t, dead.port, 'dead')
  t.strictSame([await readAnswer(port!), await readAnswer(port!)].sort(), ['dead', 'live'])
  live.stop()
  t.equal(await readAnswer(port!), 'dead')
  t.equal(await readAnswer(port!), 'dead')
  t.match(await plane.trafficCounts(), { ejections: 3, ejected: 1 })
  await clock.advance(2000)
  t.match(await plane.trafficCounts(), { ejections: 3, ejected: 0 })
})

t.test('an endpoint that fails again after a success is ejected for the shortest time', async t => {
  const clock = new ManualClock()
  const dead = await refusingEndpoint('127.0.0.1')
  const live = await TcpPod.startNamed(t, 'live')
  const plane = new PlaneUnderTest(t, { clock })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [dead, live.endpoint] }))
  t.equal(await readAnswer(port!), 'live')
  await clock.advance(2000)
  const stop = await listenAgain(t, dead.port, 'dead')
  t.equal(await readAnswer(port!), 'dead')
  await stop()
  t.strictSame([await readAnswer(port!), await readAnswer(port!)], ['live', 'live'])
  t.match(await plane.trafficCounts(), { ejections: 2, ejected: 1 })
  await clock.advance(2000)
  t.equal((await plane.trafficCounts()).ejected, 0)
})

t.test('UDP flows count as connections of an endpoint until they end', async t => {
  const clock = new ManualClock()
  const pods = await Promise.all(['a', 'b'].map(name => UdpPod.start(t, name)))
  const plane = new PlaneUnderTest(t, { clock }, { udpTimeout: 30, udpStreamTimeout: 40 })
  const endpoints = pods.map(pod => pod.endpoint)
  const [port] = await plane.apply(makeListenerSpec({ ...udp, endpoints, balancer: 'least-connections' }))
  const clients = await Promise.all(Array.from({ length: 4 }, () => openUdpClient(t, port!)))
  const answers = []
  for (const client of clients) answers.push(await client.ask('x'))
  t.strictSame(answers, ['a x', 'b x', 'a x', 'b x'])
  await clock.advance(30)
  await clients[0]!.ask('y')
  await clients[2]!.ask('y')
  await clock.advance(10)
  await waitUntil(async () => (await plane.trafficCounts()).active === 2, 'the flows of b have ended')
  for (const answer of ['b z', 'b z', 'a z']) t.equal(await (await openUdpClient(t, port!)).ask('z'), answer)
})

t.test('a flow that moved on does not count for the UDP endpoint that refused it', async t => {
  const clock = new ManualClock()
  const dead = await refusingUdpEndpoint('127.0.0.1')
  const live = await UdpPod.start(t, 'l')
  const plane = new PlaneUnderTest(t, { clock })
  const [port] = await plane.apply(
    makeListenerSpec({ ...udp, endpoints: [dead, live.endpoint], balancer: 'least-connections' }),
  )
  const askFromNewClient = async () => (await openUdpClient(t, port!)).ask('x')
  t.strictSame([await askFromNewClient(), await askFromNewClient()], ['l x', 'l x'])
  t.equal((await plane.trafficCounts()).dialFailures, 1)
  await UdpPod.start(t, 'd', undefined, dead.port)
  await clock.advance(2000)
  t.strictSame([await askFromNewClient(), await askFromNewClient()], ['d x', 'd x'], 'it has none, the other has two')
})

t.test('a UDP endpoint whose port is closed is ejected, longer each time, until it answers', async t => {
  const clock = new ManualClock()
  const dead = await refusingUdpEndpoint('127.0.0.1')
  const live = await UdpPod.start(t, 'live')
  const plane = new PlaneUnderTest(t, { clock })
  const [port] = await plane.apply(makeListenerSpec({ ...udp, endpoints: [dead, live.endpoint] }))
  const askFromNewClient = async () => (await openUdpClient(t, port!)).ask('x')
  t.strictSame(
    [await askFromNewClient(), await askFromNewClient(), await askFromNewClient()],
    ['live x', 'live x', 'live x'],
  )
  t.match(await plane.trafficCounts(), { dialFailures: 1, ejections: 1, ejected: 1 })
  await clock.advance(2000)
  t.strictSame([await askFromNewClient(), await askFromNewClient()], ['live x', 'live x'])
  await clock.advance(3999)
  t.match(await plane.trafficCounts(), { dialFailures: 2, ejections: 2, ejected: 1 })
  await clock.advance(1)
  const revived = await UdpPod.start(t, 'dead', undefined, dead.port)
  t.strictSame([await askFromNewClient(), await askFromNewClient()].sort(), ['dead x', 'live x'])
  revived.stop()
  t.strictSame([await askFromNewClient(), await askFromNewClient()], ['live x', 'live x'])
  t.match(await plane.trafficCounts(), { ejections: 3, ejected: 1 })
  await clock.advance(2000)
  t.equal((await plane.trafficCounts()).ejected, 0, 'after its answer the time was short again')
})

const udp = { protocol: 'UDP', key: 'IPv4/default/dns/UDP' } as const

/** Starts a server on a port that refused before. Returns a function that stops it. */
async function listenAgain(t: Test, port: number, name: string): Promise<() => Promise<void>> {
  const server = createServer({ allowHalfOpen: true }, socket => {
    holdOpen(socket, name)
    if (name.length > 1) socket.end()
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return async () => {
    server.close()
    await once(server, 'close')
  }
}
