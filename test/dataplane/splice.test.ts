import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { type Socket, connect } from 'node:net'
import { PlaneUnderTest, spec, until } from '../support/plane-under-test.js'
import { seededRandom } from '../support/seeded-random.js'
import { TcpPod } from '../support/tcp-pod.js'
import { testBothWays as test } from '../support/tcp-ways.js'

/** Bytes of which no two places look alike, and no two streams. */
function randomBytes(length: number, random: () => number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0; at < length; at++) bytes[at] = random() * 256
  return bytes
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Reads to the end, at a pace of its own: stops now and then, so that whoever sends is held back. */
async function readSlowly(socket: Socket, random: () => number): Promise<string> {
  const hash = createHash('sha256')
  socket.on('data', (chunk: Buffer) => {
    hash.update(chunk)
    if (random() > 0.2) return
    socket.pause()
    setTimeout(() => socket.resume(), random() * 4)
  })
  await once(socket, 'end')
  return hash.digest('hex')
}

/** Sends all of it in pieces of many sizes, and ends. */
async function sendInPieces(socket: Socket, bytes: Buffer, random: () => number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const size = Math.ceil(2 ** (random() * 18))
    if (!socket.write(bytes.subarray(at, at + size))) await once(socket, 'drain')
    at += size
  }
  socket.end()
}

/** TCP sockets that this process has open. */
function openSockets(): number {
  return readdirSync('/proc/self/fd').filter(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
    } catch {
      return false
    }
  }).length
}

/** What is open anyway; each test adds the listeners of its Pod and of the plane. */
const OPEN_BEFORE = openSockets()

test('many slow readers at a time get every byte in order, both ways', async (t, transport) => {
  const random = seededRandom(7)
  const bytes = Array.from({ length: 24 }, (_, n) => randomBytes(n % 3 === 0 ? 5_000_000 : 700_000, random))
  const atPod = new Map<string, string>()
  const pod = await TcpPod.start(t, socket => {
    // The first byte says which of them this is.
    socket.once('readable', () => {
      const n = (socket.read(1) as Buffer)[0]!
      void sendInPieces(socket, bytes[(n + 1) % bytes.length]!, random)
      void readSlowly(socket, random).then(digest => atPod.set(String(n), digest))
    })
  })
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(spec({ endpoints: [pod.endpoint] }))
  const atClients = await Promise.all(
    bytes.map(async (own, n) => {
      const client = connect({ port: port!, host: '127.0.0.1', allowHalfOpen: true })
      client.write(Uint8Array.of(n))
      const [digest] = await Promise.all([readSlowly(client, random), sendInPieces(client, own, random)])
      return digest
    }),
  )
  await until(() => atPod.size === bytes.length, 'all have ended')
  for (const [n, own] of bytes.entries()) {
    t.equal(atPod.get(String(n)), digestOf(own), `what client ${n} sent`)
    t.equal(atClients[n], digestOf(bytes[(n + 1) % bytes.length]!), `what client ${n} got`)
  }
  await until(async () => (await plane.plane.counts()).descriptors.used === 1, 'no descriptor is held')
})

test('short messages of one connection are not mixed with those of another that is held back', async (t, transport) => {
  const sent = randomBytes(8_000_000, seededRandom(3))
  const stalled = new Promise<Socket>(resolve => {
    void TcpPod.start(t, socket => {
      socket.once('readable', () => {
        if ((socket.read(1) as Buffer).toString() === 's') resolve(socket)
        else socket.pipe(socket)
      })
    }).then(async pod => {
      const plane = new PlaneUnderTest(t, { transport })
      const [port] = await plane.apply(spec({ endpoints: [pod.endpoint] }))
      const slow = connect(port!, '127.0.0.1').on('error', () => undefined)
      slow.write('s')
      slow.end(sent)
      let before = -1
      await until(async () => {
        const moved = (await plane.counts()).bytesToEndpoint
        const isStalled = moved > 65_536 && moved === before
        before = moved
        return isStalled
      }, 'the slow one is held back')
      const quick = connect(port!, '127.0.0.1')
      quick.write('q')
      for (let n = 0; n < 300; n++) {
        const message = `${n}`.repeat(50)
        quick.write(message)
        t.equal(String((await once(quick, 'data'))[0]), message)
      }
      quick.destroy()
    })
  })
  const socket = await stalled
  await new Promise(resolve => setTimeout(resolve, 200))
  const hash = createHash('sha256')
  socket.on('data', (chunk: Buffer) => hash.update(chunk))
  await once(socket, 'end')
  t.equal(hash.digest('hex'), digestOf(sent))
  socket.destroy()
})

for (const side of ['client', 'endpoint'] as const) {
  test(`a reset by the ${side} while data for it is held back is a reset for the other`, async (t, transport) => {
    const pod = await TcpPod.start(t, socket => socket.pause())
    const plane = new PlaneUnderTest(t, { transport })
    const [port] = await plane.apply(spec({ endpoints: [pod.endpoint] }))
    const client = connect(port!, '127.0.0.1')
    await until(() => pod.sockets.length === 1, 'they are connected')
    const [podSocket] = pod.sockets
    const [from, to] = side === 'client' ? [client, podSocket!] : [podSocket!, client]
    from.pause()
    const heard = new Promise<string | undefined>(resolve =>
      to.once('error', (error: NodeJS.ErrnoException) => resolve(error.code)),
    )
    to.write(Buffer.alloc(16 * 1024 * 1024))
    let moved = -1
    await until(async () => {
      const { bytesToClient, bytesToEndpoint } = await plane.counts()
      const isStalled = bytesToClient + bytesToEndpoint > 0 && moved === bytesToClient + bytesToEndpoint
      moved = bytesToClient + bytesToEndpoint
      return isStalled
    }, 'the sender is held back')
    from.resetAndDestroy()
    t.match(await heard, /ECONNRESET|EPIPE/)
    await until(async () => (await plane.counts()).active === 0, 'nothing of it is left')
    t.equal((await plane.plane.counts()).descriptors.used, 1)
    await until(() => openSockets() === OPEN_BEFORE + 2, 'its sockets are closed')
  })
}

test('an end and a reset right after it leave nothing behind', async (t, transport) => {
  const pod = await TcpPod.start(t, socket => {
    socket.end('the end')
    // Not to be left for later: the end of sending is still on its way through the proxy.
    setImmediate(() => socket.resetAndDestroy())
  })
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(spec({ endpoints: [pod.endpoint] }))
  for (let i = 0; i < 50; i++) {
    const client = connect({ port: port!, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined)
    client.resume()
    client.write('x')
    await new Promise(resolve => client.once('end', resolve).once('close', resolve))
    client.resetAndDestroy()
  }
  await until(async () => (await plane.counts()).active === 0, 'all have ended')
  t.equal((await plane.plane.counts()).descriptors.used, 1)
  await until(() => openSockets() === OPEN_BEFORE + 2, 'their sockets are closed')
})

test('cutting off right at the end of one direction closes the sockets', async (t, transport) => {
  const pod = await TcpPod.start(t, socket => void socket.resume())
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(spec({ endpoints: [pod.endpoint] }))
  const clients = Array.from({ length: 20 }, () => connect(port!, '127.0.0.1').on('error', () => undefined))
  await until(() => pod.sockets.length === 20, 'all are connected')
  // The ends reach the proxy in one turn of the event loop, and the cut-off comes in the same.
  for (const client of clients) client.end()
  const ended = plane.plane.drain(0)
  t.equal(await ended, 20)
  await until(() => clients.every(client => client.destroyed), 'the clients know')
  for (const socket of pod.sockets) socket.destroy()
  await until(() => openSockets() === OPEN_BEFORE + 1, 'all sockets are closed')
})

test('a client that goes away while its endpoint is being dialled costs one attempt, and no descriptor', async (t, transport) => {
  const pod = await TcpPod.start(t, socket => void socket.resume())
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(spec({ endpoints: [pod.endpoint] }))
  for (let i = 0; i < 100; i++) {
    const client = connect(port!, '127.0.0.1').on('error', () => undefined)
    await once(client, 'connect')
    client.resetAndDestroy()
  }
  await until(async () => (await plane.counts()).active === 0, 'all have ended')
  t.equal((await plane.plane.counts()).descriptors.used, 1)
  for (const socket of pod.sockets) socket.destroy()
  await until(() => openSockets() === OPEN_BEFORE + 2, 'their sockets are closed')
})

test('what an endpoint says before it resets still arrives', async (t, transport) => {
  const pod = await TcpPod.start(t, socket => {
    socket.write('last words')
    socket.once('data', () => socket.resetAndDestroy())
  })
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(spec({ endpoints: [pod.endpoint] }))
  const client = connect(port!, '127.0.0.1')
  const [words] = (await once(client, 'data')) as [Buffer]
  client.write('go')
  await t.rejects(once(client, 'end'), { code: 'ECONNRESET' })
  t.equal(words.toString(), 'last words')
})

test('idle connections hold no buffers', async (t, transport) => {
  const pod = await TcpPod.start(t, socket => void socket.pipe(socket))
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(spec({ endpoints: [pod.endpoint] }))
  const clients: Socket[] = []
  const echo = async (): Promise<void> => {
    const client = connect(port!, '127.0.0.1')
    clients.push(client.on('error', () => undefined))
    client.write('x')
    await once(client, 'data')
  }
  await echo()
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 200; i++) await echo()
  const each = (process.memoryUsage().arrayBuffers - before) / 200
  // The test's own two sockets read a byte each; a buffer of any path would be 64 KiB.
  t.ok(each < 32_768, `${each} bytes each`)
  for (const client of clients) client.destroy()
})
