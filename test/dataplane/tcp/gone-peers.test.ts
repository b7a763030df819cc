import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type Socket, connect } from 'node:net'
import t, { type Test } from 'tap'
import { TcpHandleTransport } from '../../../lib/dataplane/transport/tcp-handle-transport.js'
import { type TcpTransport } from '../../../lib/dataplane/transport/tcp-transport.js'
import { CountingClock } from '../../support/clock/counting-clock.js'
import { ManualClock } from '../../support/clock/manual-clock.js'
import { nextEnded } from '../../support/dataplane/inspected-rows.js'
import { PlaneUnderTest, makeListenerSpec, waitUntil } from '../../support/dataplane/plane-under-test.js'
import { testBothTransports } from '../../support/dataplane/test-both-tcp-transports.js'
import { TcpPod, exchange } from '../../support/pods/tcp-pod.js'
import { unresponsiveEndpoint } from '../../support/pods/unresponsive-endpoint.js'

type Side = 'client' | 'endpoint'

const SIDES: readonly Side[] = ['client', 'endpoint']
/** The loopback addresses of both families. */
const LOOPBACKS = ['127.0.0.1', '::1'] as const

/** Runs a test with both transports, at both loopback addresses. */
function test(name: string, body: (t: Test, transport: TcpTransport, host: string) => Promise<void>): void {
  for (const host of LOOPBACKS) testBothTransports(`${name}, at ${host}`, (t, transport) => body(t, transport, host))
}

/** Resolves after more sweeps than any test needs to find that a peer is gone. */
async function waitForSweeps(clock: CountingClock): Promise<void> {
  const before = clock.count
  await waitUntil(() => clock.count > before + 5, 'some sweeps have passed')
}

/**
 * The two ends of a connection through a proxy. `from` is the end of the side under test.
 * @param keepAliveIdle as of the data plane; by default so long that no test passes because a keep-alive finds that a peer is gone
 */
async function openPair(t: Test, transport: TcpTransport, host: string, side: Side, keepAliveIdle = 600_000) {
  const pod = await TcpPod.start(t, socket => socket.pause(), host)
  const clock = new CountingClock()
  const plane = new PlaneUnderTest(t, { transport, clock }, { keepAliveIdle })
  const [port] = await plane.apply(makeListenerSpec({ address: host, endpoints: [pod.endpoint] }))
  const client = connect({ port: port!, host, allowHalfOpen: true }).on('error', () => undefined)
  t.teardown(() => client.destroy())
  await waitUntil(() => pod.sockets.length === 1, 'the connection is open')
  const [endpoint] = pod.sockets
  const [from, to] = side === 'client' ? [client, endpoint!] : [endpoint!, client]
  return { plane, clock, from, to }
}

/** Whether the kernel still has the connection: after the end of the data, Node.js does not learn of a reset either. */
function isConnected({ localAddress, localPort, remotePort }: Socket): boolean {
  const toHex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0')
  const ends = new RegExp(`^ *\\d+: \\w+:${toHex(localPort!)} \\w+:${toHex(remotePort!)} `, 'm')
  return ends.test(readFileSync(localAddress!.includes(':') ? '/proc/net/tcp6' : '/proc/net/tcp', 'latin1'))
}

/** Sends until the other side, which does not read, holds the sender back. */
async function sendUntilHeld(plane: PlaneUnderTest, from: Socket): Promise<void> {
  const piece = Buffer.alloc(1024 * 1024)
  let before = -1
  await waitUntil(async () => {
    if (from.writableLength === 0) from.write(piece)
    const { bytesToClient, bytesToEndpoint } = await plane.trafficCounts()
    const isHeld = from.writableLength > 0 && bytesToClient + bytesToEndpoint === before
    before = bytesToClient + bytesToEndpoint
    // Long enough that the proxy would have moved more.
    await new Promise(resolve => setTimeout(resolve, 50))
    return isHeld
  }, 'the sender is held back')
}

/** Sends until the other side holds the proxy back, but not the sender: all bytes have left it. @returns how many bytes */
async function sendUntilProxyIsHeld(plane: PlaneUnderTest, from: Socket, key?: string): Promise<number> {
  let sent = 0
  await waitUntil(async () => {
    sent += 64 * 1024
    await new Promise(resolve => from.write(Buffer.alloc(64 * 1024), resolve))
    await new Promise(resolve => setTimeout(resolve, 10))
    const { bytesToClient, bytesToEndpoint } = await plane.trafficCounts(key)
    // Besides `the end`. What the proxy has read last waits in it, too.
    return bytesToClient + bytesToEndpoint < sent
  }, 'the proxy is held back')
  return sent
}

/** Only the listener has a descriptor. */
async function areAllClosed(plane: PlaneUnderTest): Promise<boolean> {
  const { descriptors, listeners } = await plane.plane.counts()
  return listeners.every(({ traffic }) => traffic.active === 0) && descriptors.used === listeners.length
}

for (const side of SIDES) {
  test(`a reset by the ${side} after its end resets the other side`, async (t, transport, host) => {
    const { plane, from, to } = await openPair(t, transport, host, side)
    from.end('the end')
    await once(to.resume(), 'end')
    t.ok(isConnected(to))
    from.resetAndDestroy()
    await waitUntil(() => !isConnected(to), 'the other side is reset')
    await waitUntil(() => areAllClosed(plane), 'the sockets are closed')
    t.match(await nextEnded(plane), { end: 'ended-by-proxy', tries: 1 })
  })

  test(`a reset by the ${side}, which is held back, resets the other side`, async (t, transport, host) => {
    const { plane, from, to } = await openPair(t, transport, host, side)
    to.pause()
    await sendUntilHeld(plane, from)
    t.ok(isConnected(to))
    from.resetAndDestroy()
    await waitUntil(() => !isConnected(to), 'the other side is reset')
    await waitUntil(() => areAllClosed(plane), 'the sockets are closed')
    t.match(await nextEnded(plane), { end: 'ended-by-proxy', tries: 1 })
  })

  test(`a reset by the ${side}, which is held back by a side that has ended, resets the other side`, async (t, transport, host) => {
    const { plane, from, to } = await openPair(t, transport, host, side)
    to.end('the end')
    await once(from.resume(), 'end')
    await sendUntilHeld(plane, from)
    t.ok(isConnected(to))
    from.resetAndDestroy()
    await waitUntil(() => !isConnected(to), 'the other side is reset')
    await waitUntil(() => areAllClosed(plane), 'the sockets are closed')
    t.match(await nextEnded(plane), { end: 'ended-by-proxy', tries: 1 })
  })

  const closesFirst = `all bytes of the ${side} arrive, though it has closed while a side that has ended holds it back`
  for (const [name, keepAliveIdle] of [
    [closesFirst, 600_000],
    // Some ten of these times pass.
    [`${closesFirst}, for longer than keep-alives need to find that it is gone`, 500],
  ] as const)
    test(name, async (t, transport, host) => {
      const { plane, clock, from, to } = await openPair(t, transport, host, side, keepAliveIdle)
      to.end('the end')
      await once(from.resume(), 'end')
      const sent = await sendUntilProxyIsHeld(plane, from)
      from.end()
      await once(from, 'close')
      await waitForSweeps(clock)
      await waitForSweeps(clock)
      t.ok(isConnected(to))
      let received = 0
      to.on('data', (data: Buffer) => (received += data.length))
      to.resume()
      await once(to, 'close')
      t.equal(received, sent)
      await waitUntil(() => areAllClosed(plane), 'the sockets are closed')
    })

  test(`a half-closed connection with a silent ${side} stays open as long as both sides exist`, async (t, transport, host) => {
    const { plane, clock, from, to } = await openPair(t, transport, host, side)
    from.end('the end')
    await once(to.resume(), 'end')
    await waitForSweeps(clock)
    to.end('the answer')
    const [answer] = (await once(from.resume(), 'data')) as [Buffer]
    t.equal(answer.toString(), 'the answer')
    await waitUntil(() => areAllClosed(plane), 'the sockets are closed')
  })
}

test('clients that are reset while an endpoint holds them back leave no descriptor behind', async (t, transport, host) => {
  const pod = await TcpPod.start(t, socket => socket.pause(), host)
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ address: host, endpoints: [pod.endpoint] }))
  const clients = Array.from({ length: 20 }, () => connect(port!, host).on('error', () => undefined))
  await Promise.all(clients.map(client => sendUntilHeld(plane, client)))
  t.ok(pod.sockets.every(isConnected))
  for (const client of clients) client.resetAndDestroy()
  await waitUntil(() => !pod.sockets.some(isConnected), 'the Pod gets the resets')
  await waitUntil(() => areAllClosed(plane), 'the sockets are closed')
})

test('a client that is reset during its dial ends the dial', async (t, transport, host) => {
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(
    makeListenerSpec({ address: host, endpoints: [await unresponsiveEndpoint(t, host)] }),
  )
  const client = connect(port!, host).on('error', () => undefined)
  await waitUntil(async () => (await plane.plane.counts()).dials.used === 1, 'the client is being dialled')
  client.resetAndDestroy()
  // Each attempt of the plane under test takes a minute.
  await waitUntil(async () => (await plane.plane.counts()).dials.used === 0, 'the dial has ended')
  await waitUntil(() => areAllClosed(plane), 'the sockets are closed')
})

test('a client that has ended its direction during its dial is dialled on', async (t, transport, host) => {
  const clock = new CountingClock()
  const plane = new PlaneUnderTest(t, { transport, clock })
  const [port] = await plane.apply(
    makeListenerSpec({ address: host, endpoints: [await unresponsiveEndpoint(t, host)] }),
  )
  const result = exchange(port!, 'x', undefined, host)
  await waitUntil(async () => (await plane.plane.counts()).dials.used === 1, 'the client is being dialled')
  await waitForSweeps(clock)
  t.match((await plane.plane.counts()).dials, { used: 1 })
  await plane.plane.drain(0)
  t.equal((await result).error, 'ECONNRESET')
})

t.test('when descriptors are short, a connection whose sender is gone ends before idle ones', async t => {
  const paused = await TcpPod.start(t, socket => socket.pause())
  const pod = await TcpPod.start(t, socket => void socket.pipe(socket))
  const clock = new ManualClock()
  // 50 usable: 45 for pairs of sockets, besides those of listeners.
  const plane = new PlaneUnderTest(t, { transport: new TcpHandleTransport(), clock, descriptorLimit: 146 })
  const [HELD, IDLE] = ['IPv4/default/held/TCP', 'IPv4/default/idle/TCP'] as const
  const [heldPort, idlePort, port] = await plane.apply(
    makeListenerSpec({ key: HELD, service: 'held', endpoints: [paused.endpoint] }),
    makeListenerSpec({ key: IDLE, service: 'idle', endpoints: [pod.endpoint] }),
    makeListenerSpec({ endpoints: [pod.endpoint] }),
  )
  const client = connect({ port: heldPort!, host: '127.0.0.1', allowHalfOpen: true })
  await waitUntil(() => paused.sockets.length === 1, 'the connection is open')
  paused.sockets[0]!.end('the end')
  await once(client.resume(), 'end')
  await sendUntilProxyIsHeld(plane, client, HELD)
  client.end()
  await once(client, 'close')
  const use = async (port: number): Promise<void> => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    t.teardown(() => socket.destroy())
    socket.write('x')
    await once(socket, 'data')
  }
  for (let n = 0; n < 16; n++) await use(idlePort!)
  for (let seconds = 0; seconds < 9; seconds++) clock.advanceSync(1000)
  t.match((await plane.plane.counts()).descriptors, { evicted: 0 })
  while ((await plane.plane.counts()).descriptors.evicted === 0) await use(port!)
  t.match(await plane.trafficCounts(HELD), { active: 0 })
  t.match(await plane.trafficCounts(IDLE), { active: 16 })
})
