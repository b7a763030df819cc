import { type Socket } from 'node:net'
import { systemCode } from '../../model/failure.js'
import { type SocketAddress } from './upstream-sockets.js'
import { type TcpSocket, type TcpSocketOwner } from './tcp-transport.js'

const EMPTY = Buffer.alloc(0)

/** Learns of errors and of the end of a socket: the dial first, then the splice. */
export interface NetSocketEvents {
  onError(socket: NetSocket, error: Error): void
  onClose(socket: NetSocket, hadError: boolean): void
}

/** A TcpSocket with Node.js's public `net.Socket`. */
export class NetSocket implements TcpSocket {
  readonly stream: Socket
  owner: TcpSocketOwner
  events: NetSocketEvents | undefined

  constructor(stream: Socket, owner: TcpSocketOwner, events?: NetSocketEvents) {
    this.stream = stream
    this.owner = owner
    this.events = events
    // Before the socket is used, an error needs no handling of its own: the close follows.
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

  checkPeer(onGone: (wasReset: boolean) => void): void {
    const { stream } = this
    // After the end of the write side there is no public way to ask. A pending write reports an error by itself.
    if (!stream.writable || stream.writableLength > 0) return
    // Sends nothing, and fails if the peer is gone. The address would not show that, since Node.js keeps it.
    stream.write(EMPTY, error => {
      if (error && !stream.destroyed) onGone(systemCode(error) === 'ECONNRESET')
    })
  }

  reset(): void {
    const { stream } = this
    // While Node.js ends the write side, it can neither reset the socket nor, after a failed reset, close it.
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
