import { type Socket } from 'node:dgram'
import { type QueuedSocket, type SendQueue } from './send-queue.js'
import { type UdpConnector, type UdpPeer, type UdpSocket, type UdpSocketEvents } from './udp-transport.js'

/** The most datagrams that wait while a socket connects, which takes one turn of the event loop. */
const QUEUE_LIMIT = 64

/** A UdpSocket with Node.js's public `dgram.Socket`. */
export class DgramSocket implements UdpSocket, QueuedSocket {
  /** Bytes that wait until the kernel takes them. */
  heldBytes = 0
  readonly #socket: Socket
  readonly #events: UdpSocketEvents
  readonly #sendQueue: SendQueue
  #isOpen = true
  /** Datagrams that wait to be sent; undefined once the socket is connected. */
  #queue: Buffer[] | undefined

  constructor(socket: Socket, events: UdpSocketEvents, sendQueue: SendQueue) {
    this.#sendQueue = sendQueue
    this.#socket = socket
    this.#events = events
    socket.on('message', (datagram, from) => this.#isOpen && events.onMessage(datagram, from))
    socket.on('error', error => this.#reportError(error))
  }

  get port(): number {
    return this.#socket.address().port
  }

  /** See UdpTransport.connect. Datagrams wait until the socket is connected. */
  connect(ip: string, port: number, connector: UdpConnector): void {
    this.#queue = []
    this.#socket.once('connect', () => {
      if (!this.#isOpen) return
      const local = this.#socket.address()
      connector.onConnect({ ip: local.address, port: local.port })
      const queue = this.#queue ?? []
      this.#queue = undefined
      for (const datagram of queue) this.send(datagram)
    })
    this.#socket.connect(port, ip)
  }

  send(datagram: Buffer): void {
    if (!this.#isOpen) return
    if (this.#queue === undefined) {
      if (this.#hasRoomFor(datagram)) this.#socket.send(datagram, this.#onSent)
      this.#countQueue()
    } else if (this.#queue.length < QUEUE_LIMIT) this.#queue.push(datagram)
  }

  sendTo(datagram: Buffer, { address, port }: UdpPeer): void {
    if (!this.#isOpen) return
    if (this.#hasRoomFor(datagram)) this.#socket.send(datagram, port, address, this.#onSent)
    this.#countQueue()
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#sendQueue.set(this, 0, 0)
    this.#socket.close()
  }

  /** While datagrams wait, the next one waits too, if it may. */
  #hasRoomFor(datagram: Buffer): boolean {
    return this.heldBytes === 0 || this.#sendQueue.hasRoom(this, datagram)
  }

  #countQueue(): void {
    this.#sendQueue.set(this, this.#socket.getSendQueueCount(), this.#socket.getSendQueueSize())
  }

  /** Later: without a free source port, `connect` of Node.js emits the error before it returns. */
  #reportError(error: Error): void {
    process.nextTick(() => {
      if (this.#isOpen) this.#events.onError(error)
    })
  }

  /** Without this callback, Node.js does not report a datagram that could not be sent. */
  readonly #onSent = (error: Error | null): void => {
    if (this.#isOpen && this.heldBytes > 0) this.#countQueue()
    if (error !== null) this.#reportError(error)
  }
}
