import { type Target } from '../../balancer/balancer.js'
import { type HalfClosedLimit } from '../limits/half-closed-limit.js'
import { type BoundSocket } from './bound-socket.js'
import { type SocketAddress } from './upstream-sockets.js'

/** One TCP socket. Nothing is read from it before it is spliced with another. */
export interface TcpSocket {
  /** Told when the socket is closed; it may pass from one to another. */
  owner: TcpSocketOwner
  /** Where the peer is; undefined when it is gone again. */
  remoteAddress(): SocketAddress | undefined
  /** Our own end; undefined before the kernel has given it one, and maybe after it is closed. */
  localAddress(): SocketAddress | undefined
  /**
   * Closes it if the peer has reset it: before it is spliced nothing else tells. A peer that has ended in good order may have
   * finished sending and wait for an answer.
   */
  checkPeer(): void
  /** Closes it, and has the kernel tell the peer that this is no orderly end. */
  reset(): void
  /** Closes it without a word about how: for a socket that never was connected. */
  close(): void
}

export interface TcpSocketOwner {
  /** The socket is closed, by whomever. Called once for each socket, and last; it may be before `reset` or `close` returns. */
  onClose(socket: TcpSocket): void
}

/** Waits for a socket to be connected. One of `connected` and `failed` is called, or neither once it is closed. */
export interface TcpConnector extends TcpSocketOwner {
  /** The system call has been made: our own end is known. */
  onConnecting(socket: TcpSocket): void
  onConnect(socket: TcpSocket): void
  /** The socket closes by itself. Never called before `connect` has returned. */
  onError(socket: TcpSocket, error: Error): void
}

/** Who broke a connection that did not end in the ordinary way, and how. */
export interface SpliceFailure {
  readonly side: 'client' | 'endpoint'
  readonly error: Error
}

/**
 * Two sockets joined: what one sends, the other gets.
 *
 *     client ──data──▶ endpoint      each direction by itself: a write that the kernel does not take at once
 *     client ◀──data── endpoint      stops the reading side until it has (back-pressure)
 *
 * Half-close: the end of one direction shuts down only the write side of the other socket; both close when both
 * directions have ended. A reset on one side is a reset on the other: the peer must be able to tell a broken answer from
 * a complete one.
 *
 * A connection of which one direction has ended and the other is silent for long is reset (HalfClosedLimit). It is over when
 * both sockets are closed, which is what their owners are told.
 */
export interface TcpSplice {
  readonly bytesToEndpoint: number
  readonly bytesToClient: number
  readonly failure: SpliceFailure | undefined
  /** Breaks the connection off, with a reset to both sides. */
  reset(): void
}

export interface TcpListenOptions {
  /** A socket that is bound already, to listen on in place of one of our own; `address` and `port` are then its own. */
  readonly bound?: BoundSocket | undefined
  readonly address: string
  /** 0: any. */
  readonly port: number
  /** Connections that may wait in the kernel until we accept them; the kernel caps this at net.core.somaxconn. */
  readonly backlog: number
  /** Idle milliseconds after which the kernel asks a client whether it is still there. */
  readonly keepAliveMs: number
  readonly onClient: (client: TcpSocket) => void
  /** A client could not be accepted. */
  readonly onError: (error: Error) => void
}

/** A listening socket. */
export interface TcpServer {
  readonly port: number
  /** Stops listening, at once; what was accepted goes on. */
  close(): void
}

/** A way to do TCP in Node. All ways behave alike; some cost less. */
export interface TcpTransport {
  /** Rejects with the system's error. */
  listen(options: TcpListenOptions): Promise<TcpServer>
  /** @param keepAliveMs idle milliseconds after which the kernel asks the endpoint whether it is still there */
  connect(target: Target, keepAliveMs: number, connector: TcpConnector): TcpSocket
  /** Joins two sockets of this transport, from now on. */
  splice(client: TcpSocket, endpoint: TcpSocket, limit: HalfClosedLimit): TcpSplice
}
