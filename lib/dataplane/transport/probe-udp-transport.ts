import { type RemoteInfo, type Socket, createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type Target } from '../../balancer/balancer.js'
import { systemCode } from '../../model/failure.js'
import { type Probe, expectEqual, runProbe } from './run-probe.js'
import { type UdpConnector, type UdpPeer, type UdpSocket, type UdpTransport } from './udp-transport.js'

const LOOPBACK = '127.0.0.1'
/** Sizes of datagrams in bytes: none, few, more than a memory page, the maximum. */
const SIZES = [0, 1, 5003, 65_507]
const BUFFER_BYTES = 1024 * 1024

/**
 * Checks that a transport works as the data plane expects, with plain sockets at the other ends: datagrams of all sizes in both
 * directions, through a bound socket and a connected one, with the right addresses; an endpoint whose port is closed; a close
 * that frees the port. Rejects with the first difference. Closes all its sockets.
 *
 * @param timeoutMs how long the check may take, in milliseconds; some 10 are usual
 */
export function probeUdpTransport(transport: UdpTransport, timeoutMs: number): Promise<void> {
  return runProbe(new UdpProbe(transport), timeoutMs)
}

class UdpProbe implements Probe {
  step = 'bind'
  readonly #transport: UdpTransport
  readonly #peers: Socket[] = []
  readonly #sockets: UdpSocket[] = []

  constructor(transport: UdpTransport) {
    this.#transport = transport
  }

  async run(): Promise<void> {
    const pod = await this.#openPeer()
    pod.on('message', (datagram, { port, address }) => pod.send(datagram, port, address))
    const endpoint = { ip: LOOPBACK, port: pod.address().port }
    await this.#checkBound()
    await this.#checkConnected(endpoint, pod)
    this.step = 'refusal'
    pod.close()
    await once(pod, 'close')
    expectEqual(await this.#waitForRefusal(endpoint), 'ECONNREFUSED', 'outcome')
  }

  cleanUp(): void {
    for (const socket of this.#sockets) socket.close()
    for (const peer of this.#peers) {
      try {
        peer.close()
      } catch {
        // The socket is closed already.
      }
    }
  }

  /** A plain socket. */
  async #openPeer(): Promise<Socket> {
    const peer = createSocket({ type: 'udp4', recvBufferSize: BUFFER_BYTES, sendBufferSize: BUFFER_BYTES })
    this.#peers.push(peer)
    peer.bind(0, LOOPBACK)
    await once(peer, 'listening')
    return peer
  }

  async #checkBound(): Promise<void> {
    let onDatagram: (datagram: Buffer, from: UdpPeer) => void = () => undefined
    const socket = await this.#transport.bind(
      { address: LOOPBACK, port: 0, bufferBytes: BUFFER_BYTES },
      {
        onMessage: (datagram, from) => onDatagram(datagram, from),
        onError: error => onDatagram(Buffer.from(error.message), { address: '', port: 0 }),
      },
    )
    this.#sockets.push(socket)
    const client = await this.#openPeer()
    client.connect(socket.port, LOOPBACK)
    await once(client, 'connect')
    for (const datagram of SIZES.map(createPattern)) {
      this.step = `receive ${datagram.length} bytes`
      const arrived = new Promise<[Buffer, UdpPeer]>(resolve => (onDatagram = (...args) => resolve(args)))
      client.send(datagram)
      const [found, from] = await arrived
      expectBytes(found, datagram)
      expectEqual(`${from.address}:${from.port}`, `${LOOPBACK}:${client.address().port}`, 'sender')
      this.step = `send ${datagram.length} bytes`
      const back = once(client, 'message') as Promise<[Buffer, RemoteInfo]>
      socket.sendTo(found, from)
      expectBytes((await back)[0], datagram)
    }
    this.step = 'close'
    socket.close()
    const refused = once(client, 'message').catch((error: unknown) => error)
    client.send('x')
    expectEqual(systemCode(await refused), 'ECONNREFUSED', 'outcome')
  }

  async #checkConnected(endpoint: Target, pod: Socket): Promise<void> {
    this.step = 'connect'
    let onDatagram: (datagram: Buffer) => void = () => undefined
    let local = 0
    const socket = this.#connect(endpoint, {
      onConnect: address => (local = address.port),
      onMessage: datagram => onDatagram(datagram),
      onError: error => onDatagram(Buffer.from(error.message)),
    })
    for (const datagram of SIZES.map(createPattern)) {
      this.step = `exchange ${datagram.length} bytes`
      const arrived = once(pod, 'message') as Promise<[Buffer, RemoteInfo]>
      const back = new Promise<Buffer>(resolve => (onDatagram = resolve))
      socket.send(datagram)
      expectEqual((await arrived)[1].port, local, 'local port')
      expectBytes(await back, datagram)
    }
  }

  #waitForRefusal(endpoint: Target): Promise<string | undefined> {
    return new Promise(resolve => {
      const socket = this.#connect(endpoint, {
        onConnect: ({ port }) => {
          // The kernel may choose the port of the endpoint, which is free: such a socket is its own endpoint. The next one cannot be.
          if (port === endpoint.port) resolve(this.#waitForRefusal(endpoint))
        },
        onMessage: () => resolve('an answer'),
        onError: error => resolve(systemCode(error)),
      })
      socket.send(Buffer.from('x'))
    })
  }

  #connect(endpoint: Target, connector: UdpConnector): UdpSocket {
    const socket = this.#transport.connect(endpoint, connector)
    this.#sockets.push(socket)
    return socket
  }
}

function createPattern(size: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, (_, n) => (n * n) >> 3))
}

function expectBytes(found: Buffer, expected: Buffer): void {
  if (!found.equals(expected))
    throw new Error(`expected ${expected.length} bytes, found ${found.length} or different ones`)
}
