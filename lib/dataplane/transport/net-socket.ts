import { type Socket } from 'node:net'
import { type SocketAddress } from './upstream-sockets.js'
import { type TcpSocket, type TcpSocketOwner } from './tcp-transport.js'

const EMPTY = Buffer.alloc(0)

/** Hears of the end of a socket; what it is depends on what the socket is used for. */
export interface NetSocketEvents {
  onError(socket: NetSocket, error: Error): void
  onClose(socket: NetSocket, hadError: boolean): void
}

/** A TcpSocket by way of Node's public `net.Socket`. */
export class NetSocket implements TcpSocket {
  readonly stream: Socket
  owner: TcpSocketOwner
  events: NetSocketEvents | undefined

  constructor(stream: Socket, owner: TcpSocketOwner, events?: NetSocketEvents) {
    this.stream = stream
    this.owner = owner
    this.events = events
    // Before it is used, an error needs no attention of its own: the close follows.
    stream.on('error', error => this.events?.onError(this, error))
    stream.on('close', hadError => {
      this.events?.onClose(this, hadError)
      this.owner.onClose(this)
    })
  }

  remoteAddress(): SocketAddress | undefined {
    return toSocketAddress(this.stream.remoteAddress, this.stream.remotePort)
  }

  localAddress(): SocketAddress | undefined {
    return toSocketAddress(this.stream.localAddress, this.stream.localPort)
  }

  checkPeer(): void {
    // Sends nothing, and fails if there is nobody to send to. Node keeps the peer's address, so that would not tell.
    this.stream.write(EMPTY)
  }

  reset(): void {
    const { stream } = this
    // While the end of our sending is on its way, Node could neither reset nor, having tried, close the socket any more.
    const isEnding = stream.writableEnded && !stream.writableFinished && stream.writableLength === 0
    if (isEnding && !stream.destroyed) stream.once('finish', () => stream.resetAndDestroy())
    else stream.resetAndDestroy()
  }

  close(): void {
    this.stream.destroy()
  }
}

function toSocketAddress(ip: string | undefined, port: number | undefined): SocketAddress | undefined {
  return ip === undefined || port === undefined ? undefined : { ip, port }
}
