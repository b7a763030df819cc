import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import t, { type Test } from 'tap'
import { isLocalResourceError } from '../../../lib/dataplane/transport/socket-error.js'
import { type TcpTransport } from '../../../lib/dataplane/transport/tcp-transport.js'
import {
  PlaneUnderTest,
  WORKERS,
  makeListenerPlan,
  makeListenerSpec,
  descriptorsPerWorker,
  turnsPerWorker,
  waitUntil,
} from '../../support/dataplane/plane-under-test.js'
import { unresponsiveEndpoint } from '../../support/pods/unresponsive-endpoint.js'
import { TcpPod, readAnswer, exchange, refusingEndpoint } from '../../support/pods/tcp-pod.js'
import { testBothTransports as test } from '../../support/dataplane/test-both-tcp-transports.js'

/** Opens a connection through a proxy to a Pod that sends everything back. */
async function openEcho(t: Test, transport: TcpTransport) {
  const pod = await TcpPod.start(t, socket => void socket.pipe(socket))
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
  const client = connect(port!, '127.0.0.1')
  t.teardown(() => client.destroy())
  const ask = async (text: string): Promise<string> => {
    client.write(text)
    return String((await once(client, 'data'))[0])
  }
  await ask('x')
  return { pod, plane, port: port!, client, ask }
}

test(
  'endpoints take turns',
  async (t, transport) => {
    const pods = await Promise.all(['a', 'b', 'c'].map(name => TcpPod.startNamed(t, name)))
    const plane = new PlaneUnderTest(t, { transport })
    const [port] = await plane.apply(makeListenerSpec({ endpoints: pods.map(pod => pod.endpoint) }))
    const answers = []
    for (let i = 0; i < 7; i++) answers.push(await readAnswer(port!))
    t.strictSame(answers, ['a', 'b', 'c', 'a', 'b', 'c', 'a'])
    t.equal((await plane.trafficCounts()).connections, 7)
    t.equal((await plane.trafficCounts()).bytesToClient, 7)
  },
  turnsPerWorker,
)

test('a client that has finished sending still gets the whole answer', async (t, transport) => {
  const pod = await TcpPod.start(t, socket => {
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    // Long after the end of the request has passed through the proxy.
    socket.on('end', () => setTimeout(() => socket.end(`got ${Buffer.concat(chunks).length}`), 30))
  })
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
  const { received, error } = await exchange(port!, Buffer.alloc(300_000))
  t.equal(error, undefined)
  t.equal(received.toString(), 'got 300000')
})

test('an endpoint that has finished sending still gets the rest of the request', async (t, transport) => {
  const rest = new Promise<string>(resolve => {
    void TcpPod.start(t, socket => {
      let text = ''
      socket.end('hello')
      socket.on('data', chunk => (text += String(chunk)))
      socket.on('end', () => resolve(text))
    }).then(async pod => {
      const plane = new PlaneUnderTest(t, { transport })
      const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
      const client = connect({ port: port!, host: '127.0.0.1', allowHalfOpen: true })
      client.resume()
      await once(client, 'end')
      client.end('and the rest')
    })
  })
  t.equal(await rest, 'and the rest')
})

test('a reset by the endpoint is a reset for the client', async (t, transport) => {
  const pod = await TcpPod.start(t, socket => {
    socket.write('half an answer')
    socket.once('data', () => socket.resetAndDestroy())
  })
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
  const client = connect(port!, '127.0.0.1')
  client.once('data', () => client.write('now'))
  const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException]
  t.equal(error.code, 'ECONNRESET')
})

test('a reset by the client is a reset for the endpoint', async (t, transport) => {
  const seen = new Promise<string | undefined>(resolve => {
    void TcpPod.start(t, socket => {
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
      socket.on('end', () => resolve('an orderly end'))
      socket.write('ready')
      socket.resume()
    }).then(async pod => {
      const [port] = await new PlaneUnderTest(t, { transport }).apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
      const client = connect(port!, '127.0.0.1')
      await once(client, 'data')
      client.resetAndDestroy()
    })
  })
  t.equal(await seen, 'ECONNRESET')
})

test('a receiver that does not read holds back the sender, and every byte arrives once it reads', async (t, transport) => {
  const pod = await TcpPod.start(t, socket => socket.pause())
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
  const data = randomBytes(32 * 1024 * 1024)
  const client = connect(port!, '127.0.0.1')
  client.end(data)
  // Stalled: no byte moved between two checks, and the client still has much of the data.
  let before = -1
  await waitUntil(async () => {
    const moved = (await plane.trafficCounts()).bytesToEndpoint
    const stalled = moved > 0 && moved === before
    before = moved
    return stalled
  }, 'the proxy stops reading')
  t.ok((await plane.trafficCounts()).bytesToEndpoint < data.length / 2, 'the proxy does not buffer the data')
  const hash = createHash('sha256')
  const [socket] = pod.sockets
  socket!.on('data', (chunk: Buffer) => hash.update(chunk))
  socket!.resume()
  await once(socket!, 'end')
  t.equal(hash.digest('hex'), createHash('sha256').update(data).digest('hex'))
  client.destroy()
})

test('a client is served although many endpoints refuse: the proxy tries each of them until one accepts', async (t, transport) => {
  const dead = await Promise.all(Array.from({ length: 9 }, () => refusingEndpoint()))
  const live = await TcpPod.startNamed(t, 'live')
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [...dead, live.endpoint] }))
  t.equal(await readAnswer(port!), 'live')
  t.equal((await plane.trafficCounts()).dialFailures, 9)
  t.equal((await plane.trafficCounts()).refused, 0)
})

test('a client gets a reset after the four attempts of the schedule when every endpoint refuses', async (t, transport) => {
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [await refusingEndpoint()] }))
  t.equal(await readAnswer(port!), 'ECONNRESET')
  t.equal((await plane.trafficCounts()).dialFailures, 4)
  t.equal((await plane.trafficCounts()).refused, 1)
})

test('without endpoints the kernel refuses connections, and a new endpoint is served on the same port', async (t, transport) => {
  const pod = await TcpPod.start(t, socket => void socket.pipe(socket))
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [] }))
  t.equal(await readAnswer(port!), 'ECONNREFUSED')
  for (let i = 0; i < 3; i++) {
    t.strictSame(await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] })), [port])
    t.equal((await exchange(port!, 'x')).received.toString(), 'x')
    t.strictSame(await plane.apply(makeListenerSpec({ endpoints: [] })), [port])
    t.equal(await readAnswer(port!), 'ECONNREFUSED')
  }
  await waitUntil(async () => (await plane.plane.counts()).descriptors.used === 0, 'no descriptor is held')
})

test('the port of a listener without endpoints is not given to another listener', async (t, transport) => {
  const pod = await TcpPod.startNamed(t, 'pod')
  const plane = new PlaneUnderTest(t, { transport, descriptorLimit: 100_000 })
  const specs = (has: boolean) =>
    Array.from({ length: 400 }, (_, n) =>
      makeListenerSpec({ key: `IPv4/default/${has}${n}/TCP`, endpoints: has ? [pod.endpoint] : [] }),
    )
  await plane.apply(...specs(false))
  const ports = await plane.apply(...specs(false), ...specs(true))
  t.equal(new Set(ports).size, 800)
})

test('a half-closed connection is reset when the other direction stays silent', async (t, transport) => {
  const pod = await TcpPod.start(t, socket => void socket.resume())
  const plane = new PlaneUnderTest(t, { transport }, { halfClosedTimeout: 50 })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
  const { error } = await exchange(port!, 'the end')
  t.equal(error, 'ECONNRESET')
  await waitUntil(async () => (await plane.trafficCounts()).active === 0, 'the connection has ended')
})

test('thousands of endpoints that refuse cost a client sixteen attempts at most', async (t, transport) => {
  const dead = await refusingEndpoint()
  const endpoints = Array.from({ length: 2000 }, (_, n) => ({
    ip: `127.0.${n >> 8}.${(n & 255) + 1}`,
    port: dead.port,
  }))
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: endpoints.slice(1) }))
  t.equal(await readAnswer(port!), 'ECONNRESET')
  t.equal((await plane.trafficCounts()).dialFailures, 16)
})

test('open connections go on when the last endpoint leaves the list', async (t, transport) => {
  const { plane, ask } = await openEcho(t, transport)
  t.equal(await ask('one'), 'one')
  await plane.apply(makeListenerSpec({ endpoints: [] }))
  t.equal(await ask('two'), 'two')
})

test('a port that another process took while there was no endpoint is reported, and the next plan opens another port', async (t, transport) => {
  const pod = await TcpPod.startNamed(t, 'pod')
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [] }))
  const otherProcess = createServer().listen(port, '127.0.0.1')
  await once(otherProcess, 'listening')
  t.teardown(() => otherProcess.close())
  const { failed } = await plane.plane.apply(makeListenerPlan(makeListenerSpec({ endpoints: [pod.endpoint] })))
  t.equal((failed.get('IPv4/default/web/TCP')?.cause as NodeJS.ErrnoException).code, 'EADDRINUSE')
  const [other] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
  t.not(other, port)
  t.equal(await readAnswer(other!), 'pod')
})

test('when endpoints come and go faster than a port opens, the last plan wins', async (t, transport) => {
  const pod = await TcpPod.startNamed(t, 'pod')
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [] }))
  const plans = [true, false, true, false, true].map(has =>
    plane.plane.apply(makeListenerPlan(makeListenerSpec({ endpoints: has ? [pod.endpoint] : [] }))),
  )
  await Promise.all(plans)
  t.equal(await readAnswer(port!), 'pod')
  await Promise.all(
    [true, false].map(has =>
      plane.plane.apply(makeListenerPlan(makeListenerSpec({ endpoints: has ? [pod.endpoint] : [] }))),
    ),
  )
  t.equal(await readAnswer(port!), 'ECONNREFUSED')
})

test(
  'a silent endpoint delays only its own client, by one timeout of the schedule',
  async (t, transport) => {
    const live = await TcpPod.startNamed(t, 'live')
    const plane = new PlaneUnderTest(t, { transport }, { dialSchedule: [2000, 2000, 2000, 2000] })
    const [port] = await plane.apply(makeListenerSpec({ endpoints: [await unresponsiveEndpoint(t), live.endpoint] }))
    const order: string[] = []
    const slow = readAnswer(port!).then(answer => order.push(`slow ${answer}`))
    await waitUntil(async () => (await plane.trafficCounts()).active === 1, 'the first client is being served')
    order.push(`fast ${await readAnswer(port!)}`)
    await slow
    t.strictSame(order, ['fast live', 'slow live'])
  },
  turnsPerWorker,
)

test('when all endpoints are silent, the dial ends with the schedule', async (t, transport) => {
  const silent = await unresponsiveEndpoint(t)
  const plane = new PlaneUnderTest(t, { transport }, { dialSchedule: [10, 20, 30] })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [silent] }))
  t.equal(await readAnswer(port!), 'ECONNRESET')
  t.equal((await plane.trafficCounts()).dialFailures, 3)
})

test('several silent endpoints get no more attempts than the schedule has', async (t, transport) => {
  const silent = await Promise.all([unresponsiveEndpoint(t), unresponsiveEndpoint(t), unresponsiveEndpoint(t)])
  const plane = new PlaneUnderTest(t, { transport }, { dialSchedule: [10, 20] })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: silent }))
  t.equal(await readAnswer(port!), 'ECONNRESET')
  t.equal((await plane.trafficCounts()).dialFailures, 2)
})

test('open connections go on when endpoints change and when their listener closes', async (t, transport) => {
  const other = await TcpPod.startNamed(t, 'other')
  const { plane, port, client, ask } = await openEcho(t, transport)
  t.equal(await ask('one'), 'one')
  t.equal(
    (await plane.apply(makeListenerSpec({ endpoints: [other.endpoint] })))[0],
    port,
    'the listener keeps its port',
  )
  t.equal(await readAnswer(port), 'other')
  t.equal(await ask('two'), 'two')
  await plane.apply()
  t.equal(await readAnswer(port), 'ECONNREFUSED')
  t.equal(await ask('three'), 'three')
  client.end()
  await once(client, 'close')
})

test('clients outside the source ranges are refused', async (t, transport) => {
  const pod = await TcpPod.startNamed(t, 'pod')
  const plane = new PlaneUnderTest(t, { transport })
  const range = (network: string) => ({ family: 'IPv4', network, bits: 32 }) as const
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint], sourceRanges: [range('127.0.0.2')] }))
  t.equal(await readAnswer(port!, '127.0.0.2'), 'pod')
  t.equal(await readAnswer(port!, '127.0.0.3'), 'ECONNRESET')
  await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint], sourceRanges: [range('127.0.0.3')] }))
  t.equal(await readAnswer(port!, '127.0.0.2'), 'ECONNRESET')
  t.equal(await readAnswer(port!, '127.0.0.3'), 'pod')
  await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint], sourceRanges: [] }))
  t.equal(await readAnswer(port!, '127.0.0.3'), 'ECONNRESET', 'an empty list of ranges refuses all clients')
})

test('a listener that holds a node port occupies it without endpoints, and serves only loopback clients', async (t, transport) => {
  const pod = await TcpPod.startNamed(t, 'pod')
  const plane = new PlaneUnderTest(t, { transport })
  const held = makeListenerSpec({ address: '0.0.0.0', holdsNodePort: true, endpoints: [] })
  const [port] = await plane.apply(held)
  const other = createServer().listen(port, '127.0.0.1')
  const [error] = (await once(other, 'error')) as [NodeJS.ErrnoException]
  t.equal(error.code, 'EADDRINUSE')
  t.equal(await readAnswer(port!), 'ECONNRESET')
  await plane.apply({ ...held, endpoints: [pod.endpoint] })
  t.equal(await readAnswer(port!), 'pod')
})

test('affinity keeps a client with its endpoint until that one fails', async (t, transport) => {
  const pods = await Promise.all(['a', 'b', 'c'].map(name => TcpPod.startNamed(t, name)))
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: pods.map(pod => pod.endpoint), affinityMs: 60_000 }))
  t.equal(await readAnswer(port!, '127.0.0.2'), 'a')
  t.equal(await readAnswer(port!, '127.0.0.3'), 'b')
  t.equal(await readAnswer(port!, '127.0.0.2'), 'a')
  t.equal(await readAnswer(port!, '127.0.0.3'), 'b')
  pods[0]!.stop()
  t.equal(await readAnswer(port!, '127.0.0.2'), 'c', 'its endpoint is gone, so it gets another one')
  t.equal(await readAnswer(port!, '127.0.0.2'), 'c', 'and keeps that one')
})

test('a port in use is reported with the system error as its cause, and other listeners are served', async (t, transport) => {
  const pod = await TcpPod.startNamed(t, 'pod')
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  t.teardown(() => holder.close())
  const { port } = holder.address() as { port: number }
  const plane = new PlaneUnderTest(t, { transport })
  const taken = makeListenerSpec({ key: 'taken', port, endpoints: [pod.endpoint] })
  const free = makeListenerSpec({ key: 'free', endpoints: [pod.endpoint] })
  const { open, failed } = await plane.plane.apply(makeListenerPlan(taken, free))
  t.equal(failed.get('taken')?.code, 'PROXY_PORT_UNAVAILABLE')
  t.equal((failed.get('taken')?.cause as NodeJS.ErrnoException).code, 'EADDRINUSE')
  t.match(failed.get('taken')?.message, String(port))
  t.equal(await readAnswer(open.get('free')!), 'pod')
  holder.close()
  await once(holder, 'close')
  t.equal(await readAnswer((await plane.apply(taken))[0]!), 'pod', 'the next apply tries again')
})

test('an endpoint that leads back to the proxy does not make a loop', async (t, transport) => {
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [] }))
  await plane.apply(makeListenerSpec({ endpoints: [{ ip: '127.0.0.1', port: port! }] }))
  t.match(await readAnswer(port!), /ECONNRESET/)
  const { connections } = await plane.trafficCounts()
  // Each of two workers knows only its own sockets: the loop goes on until it comes back to its first worker.
  if (turnsPerWorker === false) t.ok(connections <= 1, `${connections} connections`)
  await waitUntil(async () => (await plane.trafficCounts()).active === 0, 'the connection has ended')
})

test('a drain waits for open connections, and refuses new ones', async (t, transport) => {
  const { plane, port, client } = await openEcho(t, transport)
  const drained = plane.plane.drain(60_000)
  await waitUntil(async () => (await readAnswer(port)) === 'ECONNREFUSED', 'new connections are refused')
  client.end('y')
  t.equal(String((await once(client, 'data'))[0]), 'y')
  t.strictSame(await drained, { cutOff: 0, lostWorkers: 0 })
})

test('a drain with another time replaces an earlier one, and both have one result', async (t, transport) => {
  const { plane, client } = await openEcho(t, transport)
  const broken = once(client, 'error')
  const [first, last] = [plane.plane.drain(60_000), plane.plane.drain(20)]
  t.strictSame(await Promise.all([first, last]), Array(2).fill({ cutOff: 1, lostWorkers: 0 }))
  await broken
})

test('a drain that reaches its timeout resets the remaining connections', async (t, transport) => {
  const { plane, client } = await openEcho(t, transport)
  const broken = once(client, 'error')
  t.strictSame(await plane.plane.drain(20), { cutOff: 1, lostWorkers: 0 })
  t.equal(((await broken) as [NodeJS.ErrnoException])[0].code, 'ECONNRESET')
})

test(
  'when descriptors are short, new clients wait, the newest are refused, and open connections go on',
  async (t, transport) => {
    const pod = await TcpPod.start(t, socket => void socket.pipe(socket))
    // 50 usable: 45 for pairs of sockets, the rest for clients that wait.
    const plane = new PlaneUnderTest(t, { transport, descriptorLimit: 146 })
    const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
    const connectOne = async () => {
      const socket = connect(port!, '127.0.0.1')
      let end = 'open'
      socket.on('error', (error: NodeJS.ErrnoException) => (end = error.code!))
      await new Promise<unknown>(resolve => socket.once('connect', resolve).once('close', resolve))
      socket.write('x')
      return { socket, state: () => (socket.bytesRead > 0 && end === 'open' ? 'served' : end) }
    }
    const clients: Awaited<ReturnType<typeof connectOne>>[] = []
    for (let i = 0; i < 40; i++) {
      clients.push(await connectOne())
      // Few files also mean few dials: clients that come faster than endpoints answer would be refused for lack of a dial.
      await waitUntil(async () => (await plane.plane.counts()).dials.used === 0, 'the dial for it has ended')
    }
    const count = (state: string) => clients.filter(client => client.state() === state).length
    await waitUntil(async () => {
      const { active } = await plane.trafficCounts()
      const { descriptors, dials } = await plane.plane.counts()
      const shed = descriptors.shed + dials.shed
      const isQuiet = dials.used === 0 && descriptors.used === 1 + 2 * count('served') + count('open')
      // A connected client may still wait in the kernel to be accepted.
      const areAllIn = active === count('served') + count('open')
      return isQuiet && areAllIn && descriptors.shed > 0 && count('ECONNRESET') === shed
    }, 'some clients are refused, and as many as fit are served')
    t.ok(count('served') >= 20)
    const waiting = count('open')
    t.ok(waiting > 0, `${waiting} wait`)
    const served = clients.filter(client => client.state() === 'served')
    for (const { socket } of served.slice(0, 10)) socket.destroy()
    await waitUntil(() => count('open') === 0, 'the clients that waited are served')
    const { descriptors, dials } = await plane.plane.counts()
    t.ok(descriptors.waited > 0 && descriptors.waited + dials.waited >= waiting)
    for (const { socket } of clients) socket.destroy()
    await waitUntil(async () => (await plane.trafficCounts()).active === 0, 'all connections have ended')
    t.equal((await plane.plane.counts()).descriptors.used, 1, 'only the listener is left')
    const late = await connectOne()
    await waitUntil(() => late.state() === 'served', 'a new client is served again')
    late.socket.destroy()
  },
  descriptorsPerWorker,
)

/** 16 dials, half of them for one listener; 144 descriptors for pairs. */
const LOW_DESCRIPTOR_LIMIT = 256
/** With several workers, a listener has a share of the dials of each one. */
const MAX_DIALS = 8 * Math.max(1, WORKERS)

/** Opens connections that stay until the proxy resets them. */
function connectClients(t: Test, port: number, count: number) {
  let resets = 0
  const clients = Array.from({ length: count }, () =>
    connect(port, '127.0.0.1').on(
      'error',
      (error: NodeJS.ErrnoException) => (resets += +(error.code === 'ECONNRESET')),
    ),
  )
  t.teardown(() => clients.forEach(client => client.destroy()))
  return { resets: () => resets, leave: () => clients.forEach(client => client.resetAndDestroy()) }
}

test('clients of silent endpoints wait for their turn, the newest are refused, and other Services are not affected', async (t, transport) => {
  const pod = await TcpPod.start(t, socket => void socket.pipe(socket))
  const silent = await unresponsiveEndpoint(t)
  const plane = new PlaneUnderTest(t, { transport, descriptorLimit: LOW_DESCRIPTOR_LIMIT })
  const [port, silentPort] = await plane.apply(
    makeListenerSpec({ endpoints: [pod.endpoint] }),
    makeListenerSpec({ key: 'IPv4/default/silent/TCP', service: 'silent', endpoints: [silent] }),
  )
  const { descriptors: before } = await plane.plane.counts()
  const open = connect(port!, '127.0.0.1')
  open.write('one')
  t.equal(String((await once(open, 'data'))[0]), 'one')

  const clients = connectClients(t, silentPort!, 180)
  await waitUntil(async () => {
    const { used, waited, shed } = (await plane.plane.counts()).dials
    return used + waited + shed === 180 && clients.resets() === shed
  }, 'all clients are being dialled, wait, or were refused')
  const { dials, descriptors } = await plane.plane.counts()
  t.ok(dials.used >= 8 && dials.used <= MAX_DIALS, `${dials.used} dials`)
  t.ok(dials.waited > 0 && dials.shed > 0, `${dials.waited} wait, ${dials.shed} were refused`)
  t.match(descriptors, { used: before.used + 2 + 2 * dials.used + dials.waited, waited: 0, shed: 0 })
  t.equal((await plane.trafficCounts('IPv4/default/silent/TCP')).refused, dials.shed)

  for (let n = 0; n < 20; n++) t.equal((await exchange(port!, 'x')).received.toString(), 'x')
  open.write('two')
  t.equal(String((await once(open, 'data'))[0]), 'two')
  t.strictSame((await plane.plane.counts()).dials, dials, 'the other Service was served at once')

  silent.wake()
  await waitUntil(
    async () => (await plane.plane.counts()).dials.used === 0,
    'the clients that waited are served in turn',
  )
  t.match((await plane.plane.counts()).dials, { waited: dials.waited, shed: dials.shed })
  t.equal((await plane.trafficCounts('IPv4/default/silent/TCP')).dialFailures, 0)
  clients.leave()
  open.destroy()
  await waitUntil(async () => (await plane.plane.counts()).descriptors.used === before.used, 'no descriptor is held')
})

test('a client that waits too long for its turn is refused', async (t, transport) => {
  const plane = new PlaneUnderTest(t, { transport, descriptorLimit: LOW_DESCRIPTOR_LIMIT }, { queueTimeout: 200 })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [await unresponsiveEndpoint(t)] }))
  const { descriptors: before } = await plane.plane.counts()
  const clients = connectClients(t, port!, 40)
  await waitUntil(async () => {
    const { used, waited, shed } = (await plane.plane.counts()).dials
    return used + shed === 40 && waited === shed && clients.resets() === shed
  }, 'all clients are being dialled, or have waited and were refused')
  const { dials } = await plane.plane.counts()
  t.ok(dials.used >= 8 && dials.used <= MAX_DIALS, `${dials.used} dials`)
  await waitUntil(
    async () => (await plane.plane.counts()).descriptors.used === before.used + 2 * dials.used,
    'the descriptors of the refused clients are released',
  )
})

test('clients that wait for a turn get it when earlier dials have failed at silent endpoints', async (t, transport) => {
  const plane = new PlaneUnderTest(
    t,
    { transport, descriptorLimit: LOW_DESCRIPTOR_LIMIT },
    { dialSchedule: [1000, 50] },
  )
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [await unresponsiveEndpoint(t)] }))
  const { descriptors: before } = await plane.plane.counts()
  // All of them have come long before the first dial ends.
  const clients = connectClients(t, port!, 24)
  await waitUntil(() => clients.resets() === 24, 'all clients are refused')
  t.equal((await plane.trafficCounts()).dialFailures, 48)
  await waitUntil(async () => (await plane.trafficCounts()).active === 0, 'all connections have ended')
  const { dials, descriptors } = await plane.plane.counts()
  t.match(dials, { used: 0, shed: 0 })
  t.ok(dials.waited >= 24 - MAX_DIALS, `${dials.waited} have waited`)
  t.equal(descriptors.used, before.used)
})

test('a client that leaves while it waits for its turn leaves the queue', async (t, transport) => {
  const frequentSweeps = { udpTimeout: 40 }
  const plane = new PlaneUnderTest(t, { transport, descriptorLimit: LOW_DESCRIPTOR_LIMIT }, frequentSweeps)
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [await unresponsiveEndpoint(t)] }))
  const { descriptors: before } = await plane.plane.counts()
  const clients = connectClients(t, port!, 40)
  await waitUntil(async () => {
    const { used, waited } = (await plane.plane.counts()).dials
    return used + waited === 40
  }, 'all clients are being dialled or wait')
  clients.leave()
  await waitUntil(async () => {
    const { dials, descriptors } = await plane.plane.counts()
    return descriptors.used === before.used + 2 * dials.used
  }, 'only the clients with a dial in progress are left')
  t.match((await plane.plane.counts()).dials, { shed: 0 })
  await plane.plane.drain(0)
  await waitUntil(async () => {
    const { dials, descriptors } = await plane.plane.counts()
    return dials.used === 0 && descriptors.used === 0
  }, 'those have ended too, and no client that left got a turn')
})

test(
  'a client that got its turn stays when its waiting time would have ended',
  async (t, transport) => {
    const pod = await TcpPod.start(t, socket => void socket.pipe(socket))
    // There is room for the listener, three connections, and one client that waits.
    const plane = new PlaneUnderTest(t, { transport, descriptorLimit: 105 }, { queueTimeout: 1000 })
    const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
    const come = () => {
      const client = connect(port!, '127.0.0.1').on('error', () => undefined)
      client.write('x')
      return client
    }
    const waited = async (count: number) => (await plane.plane.counts()).descriptors.waited === count
    const served = [come(), come(), come()]
    for (const client of served) await once(client, 'data')
    const waiting = come()
    await waitUntil(() => waited(1), 'the fourth client waits')
    served[0]!.resetAndDestroy()
    await once(waiting, 'data')
    const late = come()
    await waitUntil(() => waited(2), 'the fifth client waits')
    await new Promise(resolve => late.once('close', resolve))
    waiting.write('still')
    t.equal(waiting.destroyed ? 'gone' : String((await once(waiting, 'data'))[0]), 'still')
    for (const client of [...served, waiting]) client.destroy()
  },
  descriptorsPerWorker,
)

test('the kernel probes both sides of an idle connection (keep-alive)', async (t, transport) => {
  const { pod, port, client } = await openEcho(t, transport)
  const hex = (n: number) => n.toString(16).toUpperCase().padStart(4, '0')
  // /proc/net/tcp: local address, remote address, state 01 (established), queues, and timer 02 (keep-alive).
  const hasKeepAlive = (local: string, remote: string) =>
    new RegExp(`${local} +[0-9A-F]{8}:${remote} 01 \\S+ 02:`).test(readFileSync('/proc/net/tcp', 'utf8'))
  await waitUntil(
    () => hasKeepAlive(`0100007F:${hex(port)}`, hex(client.localPort!)),
    'the client side has a keep-alive timer',
  )
  await waitUntil(
    () => hasKeepAlive('0100007F:[0-9A-F]{4}', hex(pod.endpoint.port)),
    'the endpoint side has a keep-alive timer',
  )
})

test('a client that leaves during its dial leaves nothing behind', async (t, transport) => {
  const plane = new PlaneUnderTest(t, { transport }, { dialSchedule: [50, 50] })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [await unresponsiveEndpoint(t)] }))
  const { used } = (await plane.plane.counts()).descriptors
  for (let i = 0; i < 5; i++) {
    const client = connect(port!, '127.0.0.1').on('error', () => undefined)
    await once(client, 'connect')
    await waitUntil(async () => (await plane.trafficCounts()).connections === i + 1, 'the client is accepted')
    client.resetAndDestroy()
  }
  await waitUntil(async () => (await plane.trafficCounts()).active === 0, 'all connections have ended')
  t.equal((await plane.plane.counts()).descriptors.used, used)
})

t.test('socket errors are divided into those of this machine and all others', t => {
  for (const code of ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRINUSE', 'EADDRNOTAVAIL'])
    t.ok(isLocalResourceError(Object.assign(new Error(code), { code })), code)
  for (const code of ['ECONNREFUSED', 'EACCES', 'EPERM', 'ECONNRESET', 'EHOSTUNREACH', 'ETIMEDOUT', 'EPIPE'])
    t.notOk(isLocalResourceError(Object.assign(new Error(code), { code })), code)
  t.notOk(isLocalResourceError(new Error('no answer')))
  t.end()
})
