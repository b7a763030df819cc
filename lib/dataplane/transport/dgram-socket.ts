import { type Socket } from 'node:dgram'
import { type UdpConnector, type UdpPeer, type UdpSocket, type UdpSocketEvents } from './udp-transport.js'

/** Datagrams that wait while a socket is being connected, which takes one turn of the event loop. */
const QUEUE_LIMIT = 64

/** A UdpSocket by way of Node's public `dgram.Socket`. */
export class DgramSocket implements UdpSocket {
  readonly #socket: Socket
  readonly #events: UdpSocketEvents
  #isOpen = true
  /** Waiting to be sent: while there is a list the socket is not connected yet. */
  #queue: Buffer[] | undefined

  constructor(inner: Socket, user: UdpSocketEvents) {
    this.#socket = inner
    this.#events = user
    inner.on('message', (datagram, from) => this.#isOpen && user.onMessage(datagram, from))
    inner.on('error', error => this.#reportError(error))
  }

  get port(): number {
    return this.#socket.address().port
  }

  /** As UdpTransport.connect; datagrams wait until it is done. */
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
    if (this.#queue === undefined) this.#socket.send(datagram, this.#onSent)
    else if (this.#queue.length < QUEUE_LIMIT) this.#queue.push(datagram)
  }

  sendTo(datagram: Buffer, { address, port }: UdpPeer): void {
    if (this.#isOpen) this.#socket.send(datagram, port, address, this.#onSent)
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#socket.close()
  }

  #reportError(error: Error): void {
    if (this.#isOpen) this.#events.onError(error)
  }

  /** Without it Node tells nobody of a datagram that could not be sent. */
  readonly #onSent = (error: Error | null): void => {
    if (error !== null) this.#reportError(error)
  }
}
