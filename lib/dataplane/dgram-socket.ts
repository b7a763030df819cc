import { type Socket } from 'node:dgram'
import { type UdpConnector, type UdpPeer, type UdpSocket, type UdpUser } from './udp-transport.js'

/** Datagrams that wait while a socket is being connected, which takes one turn of the event loop. */
const QUEUE_LIMIT = 64

/** A UdpSocket by way of Node's public `dgram.Socket`. */
export class DgramSocket implements UdpSocket {
  readonly #inner: Socket
  readonly #user: UdpUser
  #isOpen = true
  /** Waiting to be sent: while there is a list the socket is not connected yet. */
  #queue: Buffer[] | undefined

  constructor(inner: Socket, user: UdpUser) {
    this.#inner = inner
    this.#user = user
    inner.on('message', (datagram, from) => this.#isOpen && user.received(datagram, from))
    inner.on('error', error => this.#fail(error))
  }

  get port(): number {
    return this.#inner.address().port
  }

  /** As UdpTransport.connect; datagrams wait until it is done. */
  connect(ip: string, port: number, connector: UdpConnector): void {
    this.#queue = []
    this.#inner.once('connect', () => {
      if (!this.#isOpen) return
      const local = this.#inner.address()
      connector.connected({ ip: local.address, port: local.port })
      const queue = this.#queue ?? []
      this.#queue = undefined
      for (const datagram of queue) this.send(datagram)
    })
    this.#inner.connect(port, ip)
  }

  send(datagram: Buffer): void {
    if (!this.#isOpen) return
    if (this.#queue === undefined) this.#inner.send(datagram, this.#onSent)
    else if (this.#queue.length < QUEUE_LIMIT) this.#queue.push(datagram)
  }

  sendTo(datagram: Buffer, { address, port }: UdpPeer): void {
    if (this.#isOpen) this.#inner.send(datagram, port, address, this.#onSent)
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#inner.close()
  }

  #fail(error: Error): void {
    if (this.#isOpen) this.#user.failed(error)
  }

  /** Without it Node tells nobody of a datagram that could not be sent. */
  readonly #onSent = (error: Error | null): void => {
    if (error !== null) this.#fail(error)
  }
}
