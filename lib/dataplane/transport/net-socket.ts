import { type Socket } from 'node:net'
import { systemCode } from '../../model/failure.js'
import { type SocketAddress } from './upstream-sockets.js'
import { type TcpTable } from './tcp-table.js'
import { type TcpSocket, type TcpSocketOwner } from './tcp-transport.js'

const EMPTY = Buffer.alloc(0)
/** So long at least the kernel lists a connection that has ended in order (TIME_WAIT), in milliseconds; a minute with a margin. */
const LISTED_MS = 50_000

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
  /** Whether `lookUpPeer` has found that the peer is gone. */
  isPeerGone = false
  /** What an outgoing socket connects to. */
  readonly #target: SocketAddress | undefined
  /** When this side has finished sending. */
  #finishedAt = -Infinity
  /** When the kernel's list showed the connection as open, and whether it showed the end of the peer's data. */
  #seenOpenAt = -Infinity
  #hasSeenEnd = false

  constructor(stream: Socket, owner: TcpSocketOwner, events?: NetSocketEvents, target?: SocketAddress) {
    this.stream = stream
    this.#target = target
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
    // After the end of the write side there is no write; see `lookUpPeer`. A pending write reports an error by itself.
    if (!stream.writable || stream.writableLength > 0) return
    // Sends nothing, and fails if the peer is gone. The address would not show that, since Node.js keeps it.
    stream.write(EMPTY, error => {
      if (error && !stream.destroyed) onGone(systemCode(error) === 'ECONNRESET')
    })
  }

  /** Ends the write side after what was written before, so that the peer reads the end. */
  finish(): void {
    this.#finishedAt = performance.now()
    this.stream.end()
  }

  /**
   * Does the same by the kernel's list of connections, some time later. It leaves the socket as it is, even when its peer is gone.
   */
  lookUpPeer(table: TcpTable, onGone: (wasReset: boolean) => void): void {
    // Node.js keeps the address of a client, which the listener has asked for.
    const [local, remote] = [this.localAddress(), this.#target ?? this.remoteAddress()]
    if (local === undefined || remote === undefined) return
    table.ask(local, remote, ({ state }) => {
      if (this.stream.destroyed) return
      const now = performance.now()
      if (state === 'open') this.#seenOpenAt = now
      else if (state === 'ended') this.#hasSeenEnd = true
      else {
        this.isPeerGone = true
        // After an orderly end by both sides the kernel would list it for a minute, after one by the peer until its keep-alives fail.
        onGone(!this.#hasSeenEnd && now - Math.max(this.#finishedAt, this.#seenOpenAt) < LISTED_MS)
      }
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
