import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { type Socket, connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { type LogFields } from '../../../lib/model/log.js'
import { TcpHandleTransport } from '../../../lib/dataplane/transport/tcp-handle-transport.js'
import { TcpProxy } from '../../../lib/dataplane/tcp/tcp-proxy.js'
import { ReadBuffers } from '../../../lib/dataplane/transport/read-buffers.js'
import { makeListenerContext } from '../../support/dataplane/make-listener-context.js'
import { PlaneUnderTest, makeListenerSpec, silentLog, waitUntil } from '../../support/dataplane/plane-under-test.js'
import { seededRandom } from '../../support/checks/seeded-random.js'
import { TcpPod } from '../../support/pods/tcp-pod.js'
import { testBothTransports as test } from '../../support/dataplane/test-both-tcp-transports.js'

/** Random bytes, so that any mix-up of positions or streams shows. */
function randomBytes(length: number, random: () => number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0; at < length; at++) bytes[at] = random() * 256
  return bytes
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Reads to the end, with pauses that hold the sender back. */
async function readSlowly(socket: Socket, random: () => number): Promise<string> {
  const hash = createHash('sha256')
  socket.on('data', (chunk: Buffer) => {
    hash.update(chunk)
    if (random() > 0.2) return
    socket.pause()
    void setTimeout(random() * 4).then(() => socket.resume())
  })
  await once(socket, 'end')
  return hash.digest('hex')
}

/** Sends all bytes in pieces of many sizes, and ends. */
async function sendInPieces(socket: Socket, bytes: Buffer, random: () => number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const size = Math.ceil(2 ** (random() * 18))
    if (!socket.write(bytes.subarray(at, at + size))) await once(socket, 'drain')
    at += size
  }
  socket.end()
}

/** How many sockets this process has open. */
function openSockets(): number {
  return readdirSync('/proc/self/fd').filter(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
    } catch {
      return false
    }
  }).length
}

/** Sockets without any test; each test adds the listeners of its Pod and of the plane. */
const INITIAL_OPEN_SOCKETS = openSockets()

test('many slow readers at the same time get every byte in order, in both directions', async (t, transport) => {
  const random = seededRandom(7)
  const bytes = Array.from({ length: 24 }, (_, n) => randomBytes(n % 3 === 0 ? 5_000_000 : 700_000, random))
  const atPod = new Map<string, string>()
  const pod = await TcpPod.start(t, socket => {
    // The first byte is the number of the client.
    socket.once('readable', () => {
      const n = (socket.read(1) as Buffer)[0]!
      void sendInPieces(socket, bytes[(n + 1) % bytes.length]!, random)
      void readSlowly(socket, random).then(digest => atPod.set(String(n), digest))
    })
  })
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
  const atClients = await Promise.all(
    bytes.map(async (own, n) => {
      const client = connect({ port: port!, host: '127.0.0.1', allowHalfOpen: true })
      client.write(Uint8Array.of(n))
      const [digest] = await Promise.all([readSlowly(client, random), sendInPieces(client, own, random)])
      return digest
    }),
  )
  await waitUntil(() => atPod.size === bytes.length, 'all connections have ended')
  for (const [n, own] of bytes.entries()) {
    t.equal(atPod.get(String(n)), digestOf(own), `what client ${n} sent`)
    t.equal(atClients[n], digestOf(bytes[(n + 1) % bytes.length]!), `what client ${n} got`)
  }
  await waitUntil(async () => (await plane.plane.counts()).descriptors.used === 1, 'no descriptor is held')
})

test('short messages of one connection do not mix with those of another that is held back', async (t, transport) => {
  const random = seededRandom(3)
  const pod = await TcpPod.start(t, socket => {
    socket.once('readable', () => {
      if ((socket.read(1) as Buffer).toString() === 'q') socket.pipe(socket)
    })
  })
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
  const slow = connect(port!, '127.0.0.1').on('error', () => undefined)
  slow.write('s')
  // Pieces shorter than any buffer, one at a time, until one is held back.
  const pieces: Buffer[] = []
  const sentLength = () => 1 + pieces.reduce((sum, piece) => sum + piece.length, 0)
  for (let isMoving = true; isMoving;) {
    pieces.push(randomBytes(30_000, random))
    slow.write(pieces.at(-1)!)
    let checks = 0
    while ((await plane.trafficCounts()).bytesToEndpoint < sentLength() && ++checks < 20) await setTimeout(2)
    isMoving = checks < 20
  }
  const quick = connect(port!, '127.0.0.1').on('error', () => undefined)
  quick.write('q')
  // As long as the pieces, so that they would overwrite the rest of one.
  for (let n = 0; n < 20; n++) {
    const message = Buffer.alloc(30_000, n + 1)
    quick.write(message)
    const echo: Buffer[] = []
    while (Buffer.concat(echo).length < message.length) echo.push(((await once(quick, 'data')) as [Buffer])[0])
    t.ok(Buffer.concat(echo).equals(message))
  }
  quick.destroy()
  slow.end()
  const [slowAtPod] = pod.sockets
  const hash = createHash('sha256')
  slowAtPod!.on('data', (chunk: Buffer) => hash.update(chunk)).resume()
  await once(slowAtPod!, 'end')
  t.equal(hash.digest('hex'), digestOf(Buffer.concat(pieces)))
  slowAtPod!.destroy()
})

for (const side of ['client', 'endpoint'] as const) {
  test(`a reset by the ${side} while data for it is held back resets the other side`, async (t, transport) => {
    const pod = await TcpPod.start(t, socket => socket.pause())
    const plane = new PlaneUnderTest(t, { transport })
    const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
    const client = connect(port!, '127.0.0.1')
    await waitUntil(() => pod.sockets.length === 1, 'the connection is open')
    const [podSocket] = pod.sockets
    const [from, to] = side === 'client' ? [client, podSocket!] : [podSocket!, client]
    from.pause()
    const peerError = new Promise<string | undefined>(resolve =>
      to.once('error', (error: NodeJS.ErrnoException) => resolve(error.code)),
    )
    to.write(Buffer.alloc(16 * 1024 * 1024))
    let moved = -1
    await waitUntil(async () => {
      const { bytesToClient, bytesToEndpoint } = await plane.trafficCounts()
      const isStalled = bytesToClient + bytesToEndpoint > 0 && moved === bytesToClient + bytesToEndpoint
      moved = bytesToClient + bytesToEndpoint
      return isStalled
    }, 'the sender is held back')
    from.resetAndDestroy()
    t.match(await peerError, /ECONNRESET|EPIPE/)
    await waitUntil(async () => (await plane.trafficCounts()).active === 0, 'the connection has ended')
    t.equal((await plane.plane.counts()).descriptors.used, 1)
    await waitUntil(() => openSockets() === INITIAL_OPEN_SOCKETS + 2, 'the sockets are closed')
  })
}

test('a reset right after the end of sending leaves nothing behind', async (t, transport) => {
  const pod = await TcpPod.start(t, socket => {
    socket.end('the end')
    // At once, while the end of sending is still on its way through the proxy.
    setImmediate(() => socket.resetAndDestroy())
  })
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
  for (let i = 0; i < 50; i++) {
    const client = connect({ port: port!, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined)
    client.resume()
    client.write('x')
    await new Promise(resolve => client.once('end', resolve).once('close', resolve))
    client.resetAndDestroy()
  }
  await waitUntil(async () => (await plane.trafficCounts()).active === 0, 'all connections have ended')
  t.equal((await plane.plane.counts()).descriptors.used, 1)
  await waitUntil(() => openSockets() === INITIAL_OPEN_SOCKETS + 2, 'the sockets are closed')
})

test('an abort right at the end of one direction closes the sockets', async (t, transport) => {
  const pod = await TcpPod.start(t, socket => void socket.resume())
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
  const clients = Array.from({ length: 20 }, () => connect(port!, '127.0.0.1').on('error', () => undefined))
  await waitUntil(() => pod.sockets.length === 20, 'all clients are connected')
  // The ends reach the proxy in one turn of the event loop, and the abort comes in the same turn.
  for (const client of clients) client.end()
  const ended = plane.plane.drain(0)
  t.strictSame(await ended, { cutOff: 20, lostWorkers: 0 })
  await waitUntil(() => clients.every(client => client.destroyed), 'the clients are disconnected')
  for (const socket of pod.sockets) socket.destroy()
  await waitUntil(() => openSockets() === INITIAL_OPEN_SOCKETS + 1, 'all sockets are closed')
})

test('a client that leaves during its dial costs one attempt, and no descriptor', async (t, transport) => {
  const pod = await TcpPod.start(t, socket => void socket.resume())
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
  for (let i = 0; i < 100; i++) {
    const client = connect(port!, '127.0.0.1').on('error', () => undefined)
    await once(client, 'connect')
    client.resetAndDestroy()
  }
  await waitUntil(async () => (await plane.trafficCounts()).active === 0, 'all connections have ended')
  t.equal((await plane.plane.counts()).descriptors.used, 1)
  for (const socket of pod.sockets) socket.destroy()
  await waitUntil(() => openSockets() === INITIAL_OPEN_SOCKETS + 2, 'the sockets are closed')
})

test('data that an endpoint sends before its reset still arrives', async (t, transport) => {
  const pod = await TcpPod.start(t, socket => {
    socket.write('last words')
    socket.once('data', () => socket.resetAndDestroy())
  })
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
  const client = connect(port!, '127.0.0.1')
  const [words] = (await once(client, 'data')) as [Buffer]
  client.write('go')
  await t.rejects(once(client, 'end'), { code: 'ECONNRESET' })
  t.equal(words.toString(), 'last words')
})

/** Connects, and prints what it reads and how that ends. Node.js itself may take a reset right behind data for an end. */
const READER = `
import socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 10)
s.sendall(b'go')
try:
    data = b' '
    while data:
        data = s.recv(99)
        print(data.decode() or 'end', flush=True)
except OSError as error:
    print(error.strerror, flush=True)
`

t.test('a reset right behind data is a reset', async t => {
  const pod = await TcpPod.start(t, socket => {
    socket.once('data', () => {
      socket.write('last words')
      // The proxy, in this process, finds both at once.
      socket.resetAndDestroy()
    })
  })
  const ends: (string | undefined)[] = []
  const info = (_: number, __: string, fields?: LogFields) => void ends.push(String(fields?.['error']))
  const log = { ...silentLog, enabled: () => true, info }
  const plane = new PlaneUnderTest(t, { transport: new TcpHandleTransport(), log })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
  const reader = spawn('python3', ['-c', READER, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  reader.stdout.on('data', (data: Buffer) => (output += data.toString()))
  await once(reader, 'close')
  t.match(output, /Connection reset by peer/)
  t.match(ends.at(-1), /ECONNRESET/)
})

test('the socket to an endpoint is in the list of upstream sockets while it is open', async (t, transport) => {
  const pod = await TcpPod.start(t, socket => void socket.pipe(socket))
  let hasEnded = false
  const context = makeListenerContext(transport, { onConnectionEnd: () => (hasEnded = true) })
  const { upstreamSockets } = context
  const proxy = new TcpProxy(makeListenerSpec({ endpoints: [pod.endpoint] }), context)
  const port = await proxy.open()
  const client = connect(port, '127.0.0.1').on('error', () => undefined)
  client.write('x')
  await once(client, 'data')
  const end = { ip: '127.0.0.1', port: pod.sockets[0]!.remotePort! }
  t.ok(upstreamSockets.tcp.has(end, pod.endpoint))
  client.resetAndDestroy()
  await waitUntil(() => hasEnded, 'the connection has ended')
  t.notOk(upstreamSockets.tcp.has(end, pod.endpoint))
  proxy.close()
})

t.test('a lent buffer is not reclaimed while data in it is held back', async t => {
  const random = seededRandom(11)
  const buffers = new ReadBuffers()
  const pod = await TcpPod.start(t, socket => socket.pause())
  const plane = new PlaneUnderTest(t, { transport: new TcpHandleTransport(buffers) })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
  const sent = randomBytes(24_000_000, random)
  const client = connect(port!, '127.0.0.1').on('error', () => undefined)
  client.end(sent)
  let before = -1
  await waitUntil(async () => {
    const moved = (await plane.trafficCounts()).bytesToEndpoint
    const isStalled = moved > 0 && moved === before
    before = moved
    return isStalled
  }, 'the sender is held back')
  for (let n = 0; n < 3; n++) buffers.reclaim()
  // Other readers, which would overwrite the same memory if they got it.
  for (let n = 0; n < 4; n++)
    buffers.nextBuffer({ tryReturn: () => true }, buffers.shared, buffers.shared.length).fill(0)
  const hash = createHash('sha256')
  const [socket] = pod.sockets
  socket!.on('data', (chunk: Buffer) => hash.update(chunk)).resume()
  await once(socket!, 'end')
  t.equal(hash.digest('hex'), digestOf(sent))
  socket!.destroy()
})

t.test('connections that break off during a bulk transfer leave their buffers to others', async t => {
  const buffers = new ReadBuffers()
  const pod = await TcpPod.start(t, socket => void socket.resume().on('end', () => socket.end()))
  const plane = new PlaneUnderTest(t, { transport: new TcpHandleTransport(buffers) })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
  for (let n = 0; n < 20; n++) {
    const before = (await plane.trafficCounts()).bytesToEndpoint
    const client = connect(port!, '127.0.0.1').on('error', () => undefined)
    client.write(Buffer.alloc(4_000_000))
    await waitUntil(async () => (await plane.trafficCounts()).bytesToEndpoint > before + 500_000, 'data is moving')
    client.resetAndDestroy()
    await waitUntil(async () => (await plane.trafficCounts()).active === 0, 'the connection has ended')
  }
  const lent = buffers.nextBuffer({ tryReturn: () => true }, buffers.shared, buffers.shared.length)
  t.ok(lent !== buffers.shared)
  buffers.discard(lent)
})
