import { once } from 'node:events'
import { type Server, type Socket, connect, createServer } from 'node:net'
import { openServer } from './open-server.js'
import { type Probe, expectEqual, runProbe } from './run-probe.js'
import {
  type TcpConnector,
  type TcpServer,
  type TcpSocket,
  type TcpSplice,
  type TcpTransport,
} from './tcp-transport.js'

const LOOPBACK = '127.0.0.1'
/** Any mix-up of data shows: the bytes repeat irregularly, and the length is a prime, different from any buffer size. */
const PATTERN = Uint8Array.from({ length: 65_521 }, (_, n) => (n * n) >> 3)
/** More than the kernel accepts while the receiver does not read, with any buffer settings. */
const MAX_BYTES = 64 * 1024 * 1024
/** Milliseconds without progress after which a transfer counts as held back. */
const STALL_MS = 10

/**
 * Checks that a transport works as the data plane expects. It proxies a few connections of plain sockets over loopback: data in
 * both directions, in a unique order; a receiver that does not read; each half-close; a reset from each side; an endpoint that
 * refuses; a peer that resets while nothing is read from it. Rejects with the first difference. Closes all its sockets.
 *
 * No side that has connected is the first to finish a connection that both finish: for a minute its port, which the kernel chose,
 * could not be listened on, and it may be a NodePort's. An accepted socket lets its port be listened on.
 *
 * @param timeoutMs how long the check may take, in milliseconds; some 50 are usual
 */
export function probeTcpTransport(transport: TcpTransport, timeoutMs: number): Promise<void> {
  return runProbe(new TcpProbe(transport), timeoutMs)
}

/** The two ends of a connection of a client to the transport. */
interface AcceptedPair {
  readonly client: Socket
  readonly inner: TcpSocket
}

/** The two ends of a connection through the transport, as plain sockets, and the splice between them. */
interface SplicedPair {
  readonly client: Socket
  readonly endpoint: Socket
  readonly splice: TcpSplice
}

class TcpProbe implements Probe {
  step = 'listen'
  readonly #transport: TcpTransport
  readonly #server: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
  readonly #sockets: Socket[] = []
  readonly #splices: TcpSplice[] = []
  #tcpServer: TcpServer | undefined
  #closed = 0

  constructor(transport: TcpTransport) {
    this.#transport = transport
  }

  async run(): Promise<void> {
    const address = LOOPBACK
    const port = await openServer(this.#server, { address, port: 0, backlog: 8 }, () => undefined)
    await this.#checkTransfer(await this.#connect(port))
    await this.#checkReset(await this.#connect(port), 'endpoint')
    await this.#checkReset(await this.#connect(port), 'client')
    await this.#checkGonePeer(await this.#accept(), 'reset')
    await this.#checkGonePeer(await this.#accept(), 'reset after an end')
    this.step = 'close'
    await waitFor(() => this.#closed === 6, `6 sockets closed, found ${this.#closed}`)
    this.step = 'refusal'
    this.#server.close()
    await once(this.#server, 'close')
    await this.#checkRefusal(port)
  }

  cleanUp(): void {
    this.#tcpServer?.close()
    this.#server.close()
    for (const splice of this.#splices) splice.reset()
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Connects a client to the transport. */
  async #accept(): Promise<AcceptedPair> {
    this.step = 'listen'
    let onClient: (client: TcpSocket) => void = () => undefined
    const accepted = new Promise<TcpSocket>(resolve => (onClient = resolve))
    this.#tcpServer = await this.#transport.listen({
      address: LOOPBACK,
      port: 0,
      backlog: 8,
      keepAliveMs: 15_000,
      onClient,
      onError: () => undefined,
    })
    this.step = 'accept'
    const client = this.#track(connect({ host: LOOPBACK, port: this.#tcpServer.port, allowHalfOpen: true }))
    const inner = await accepted
    this.#tcpServer.close()
    expectEqual(inner.remoteAddress()?.port, client.localPort, 'port of the client')
    return { client, inner }
  }

  /** Connects a client to the server through the transport. */
  async #connect(port: number): Promise<SplicedPair> {
    const { client, inner } = await this.#accept()
    this.step = 'connect'
    const [outer, endpoint] = await Promise.all([this.#dial(port), this.#nextAccepted()])
    expectEqual(outer.localAddress()?.port, endpoint.remotePort, 'local port')
    const owner = { onClose: () => void this.#closed++ }
    inner.owner = owner
    outer.owner = owner
    const splice = this.#transport.splice(inner, outer, { onUnpolled: () => undefined })
    this.#splices.push(splice)
    return { client, endpoint, splice }
  }

  #dial(port: number): Promise<TcpSocket> {
    return new Promise((resolve, reject) => {
      const connector: TcpConnector = {
        onConnecting: () => undefined,
        onConnect: resolve,
        onError: (_, error) => reject(error),
        onClose: () => undefined,
      }
      this.#transport.connect({ ip: LOOPBACK, port }, 15_000, connector)
    })
  }

  async #nextAccepted(): Promise<Socket> {
    const [socket] = (await once(this.#server, 'connection')) as [Socket]
    return this.#track(socket)
  }

  #track(socket: Socket): Socket {
    this.#sockets.push(socket)
    return socket.on('error', () => undefined)
  }

  /** Sends until the endpoint, which does not read, holds the sender back. Then both sides must get every byte. */
  async #checkTransfer({ client, endpoint, splice }: SplicedPair): Promise<void> {
    this.step = 'back-pressure'
    let sent = 0
    for (let before = -1; splice.bytesToEndpoint !== before || client.writableLength === 0;) {
      before = splice.bytesToEndpoint
      while (client.writableLength === 0) {
        if (sent > MAX_BYTES) throw new Error(`expected the sender to be held back, ${sent} bytes went through`)
        client.write(PATTERN)
        sent += PATTERN.length
      }
      await new Promise(resolve => setTimeout(resolve, STALL_MS))
    }
    this.step = 'half-close by the endpoint'
    endpoint.end(PATTERN)
    expectEqual(await receivePattern(client), PATTERN.length, 'bytes at the client')
    this.step = 'transfer'
    client.end()
    expectEqual(await receivePattern(endpoint), sent, 'bytes at the endpoint')
    expectEqual(splice.bytesToEndpoint, sent, 'count of bytes')
    expectEqual(splice.bytesToClient, PATTERN.length, 'count of bytes')
  }

  async #checkReset({ client, endpoint }: SplicedPair, side: 'client' | 'endpoint'): Promise<void> {
    const [from, to] = side === 'client' ? [client, endpoint] : [endpoint, client]
    this.step = side === 'endpoint' ? 'half-close by the client' : 'one byte'
    if (side === 'endpoint') {
      client.end()
      await once(endpoint.resume(), 'end')
    }
    from.write('x')
    await once(to.resume(), 'data')
    this.step = `reset by the ${side}`
    const closed = new Promise<boolean>(resolve => to.once('close', resolve))
    from.resetAndDestroy()
    expectEqual(await closed, true, 'a reset')
  }

  /** A peer that is there, or has only ended its own direction, is not gone. One that has sent a reset is, and the kernel knows how. */
  async #checkGonePeer({ client, inner }: AcceptedPair, how: 'reset' | 'reset after an end'): Promise<void> {
    this.step = `check of the peer, ${how}`
    let found: string | undefined
    const check = async (): Promise<string | undefined> => {
      inner.checkPeer(wasReset => (found = wasReset ? 'reset' : 'reset after an end'))
      await new Promise(resolve => setTimeout(resolve, 1))
      return found
    }
    expectEqual(await check(), undefined, 'reason of a connection that is open')
    if (how === 'reset after an end') {
      await new Promise<void>(resolve => client.end(resolve))
      expectEqual(await check(), undefined, 'reason of a client that has finished sending')
    }
    client.resetAndDestroy()
    for (let attempt = 0; found === undefined && attempt < 100; attempt++) await check()
    expectEqual(found, how, 'reason')
    inner.close()
  }

  async #checkRefusal(port: number): Promise<void> {
    const dialed = await this.#dial(port).catch((error: NodeJS.ErrnoException) => error.code)
    if (typeof dialed !== 'object') return expectEqual(dialed, 'ECONNREFUSED', 'outcome')
    // The kernel may choose the port that is dialled, which is free: such a connection is its own endpoint. The next one cannot be.
    const isItsOwn = dialed.localAddress()?.port === port
    try {
      if (isItsOwn) await this.#checkRefusal(port)
    } finally {
      dialed.reset()
    }
    expectEqual(isItsOwn ? 'ECONNREFUSED' : 'a connection', 'ECONNREFUSED', 'outcome')
  }
}

/** Reads to the end, and resolves with the number of bytes; rejects unless they repeat the pattern. */
async function receivePattern(socket: Socket): Promise<number> {
  let length = 0
  let isEqual = true
  socket.on('data', (chunk: Buffer) => {
    for (let done = 0; done < chunk.length;) {
      const offset = length % PATTERN.length
      const part = chunk.subarray(done, done + PATTERN.length - offset)
      isEqual &&= part.equals(PATTERN.subarray(offset, offset + part.length))
      done += part.length
      length += part.length
    }
  })
  await once(socket.resume(), 'end')
  if (!isEqual) throw new Error('the bytes that arrived differ from the bytes that were sent')
  return length
}

async function waitFor(condition: () => boolean, what: string): Promise<void> {
  for (let attempt = 0; !condition(); attempt++) {
    if (attempt === 100) throw new Error(`expected ${what}`)
    await new Promise(resolve => setTimeout(resolve, 1))
  }
}
