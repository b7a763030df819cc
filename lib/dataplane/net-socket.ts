import { type Socket } from 'node:net'
import { type SocketEnd } from './own-sockets.js'
import { type TcpSocket, type TcpSocketOwner } from './tcp-transport.js'

const NOTHING = Buffer.alloc(0)

/** Hears of the end of a socket; what it is depends on what the socket is used for. */
export interface NetSocketUser {
  broke(socket: NetSocket, error: Error): void
  ended(socket: NetSocket, hadError: boolean): void
}

/** A TcpSocket by way of Node's public `net.Socket`. */
export class NetSocket implements TcpSocket {
  readonly stream: Socket
  owner: TcpSocketOwner
  user: NetSocketUser | undefined

  constructor(stream: Socket, owner: TcpSocketOwner, user?: NetSocketUser) {
    this.stream = stream
    this.owner = owner
    this.user = user
    // Before it is used, an error needs no attention of its own: the close follows.
    stream.on('error', error => this.user?.broke(this, error))
    stream.on('close', hadError => {
      this.user?.ended(this, hadError)
      this.owner.closed(this)
    })
  }

  remote(): SocketEnd | undefined {
    return endOf(this.stream.remoteAddress, this.stream.remotePort)
  }

  local(): SocketEnd | undefined {
    return endOf(this.stream.localAddress, this.stream.localPort)
  }

  look(): void {
    // Sends nothing, and fails if there is nobody to send to. Node keeps the peer's address, so that would not tell.
    this.stream.write(NOTHING)
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

function endOf(ip: string | undefined, port: number | undefined): SocketEnd | undefined {
  return ip === undefined || port === undefined ? undefined : { ip, port }
}
