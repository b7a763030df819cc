import { type Target } from '../../balancer/balancer.js'
import { type BindOptions } from './bind-options.js'
import { type SocketAddress } from './upstream-sockets.js'

/** One TCP socket. Nothing is read from it until it is spliced with another one. */
export interface TcpSocket {
  /** Learns when the socket is closed. A socket may change its owner. */
  owner: TcpSocketOwner
  /** The peer's end; undefined when the peer is gone. */
  remoteAddress(): SocketAddress | undefined
  /** This end; undefined before the kernel has chosen it, and possibly after the socket is closed. */
  localAddress(): SocketAddress | undefined
  /**
   * Asks the kernel whether the peer is gone: it has reset the connection, or has not answered keep-alives. A peer that only ended
   * its own direction is not gone. For sockets that the event loop does not poll: nothing else reports it.
   * @param onGone called if so, now or a turn of the event loop later; `wasReset`: it has sent a reset, and no end before it
   */
  checkPeer(onGone: (wasReset: boolean) => void): void
  /** Closes the socket with a reset, so that the peer can distinguish it from an orderly end. */
  reset(): void
  /** Closes the socket in any way: for one that was never connected. */
  close(): void
}

/** The part of the program that a socket belongs to. */
export interface TcpSocketOwner {
  /**
   * The socket is closed, whatever the reason. The last call, made once for each socket; it may come before `reset` or `close`
   * returns.
   */
  onClose(socket: TcpSocket): void
}

/** Waits for a socket to connect. Gets one call, `onConnect` or `onError`; none if the socket is closed before. */
export interface TcpConnector extends TcpSocketOwner {
  /** The system call was made: the local address is known. */
  onConnecting(socket: TcpSocket): void
  onConnect(socket: TcpSocket): void
  /** The socket closes by itself. Never called before `connect` returns. */
  onError(socket: TcpSocket, error: Error): void
}

/** Which side broke a connection that did not end in order, and how. */
export interface SpliceFailure {
  readonly side: 'client' | 'endpoint'
  readonly error: Error
}

/**
 * How a splice treats one of its sockets: it reads from it; holds its peer back, because the other socket does not take more data;
 * or does not read any more, because the peer has finished sending or has died, and the other socket has taken everything.
 */
export type SocketState = 'reading' | 'held' | 'ended'

/** How a connection ends: with a reset to both sides, or in order, as if both had closed it. */
export type ConnectionEnd = 'reset' | 'close'

/** How a connection ends, by what the kernel says of the peer that is gone. Undefined: it goes on. */
export interface GonePeerRule {
  /** The peer has sent a reset, and no end before it. */
  readonly ifReset: ConnectionEnd | undefined
  /** The peer may have sent the end of its data. Undefined: its bytes still arrive, and after them its end or an error. */
  readonly ifPossiblyEnded: ConnectionEnd | undefined
  /**
   * The kernel may have dropped the connection because the peer did not answer keep-alives: so many milliseconds after its last segment, or
   * later. Undefined: it cannot have done that yet.
   */
  readonly silentMs: number | undefined
}

/** The part of the program that a splice belongs to. */
export interface TcpSpliceOwner {
  /** The splice reads only from one of its sockets, or from none. Called whenever that begins. */
  onUnpolled(): void
}

/**
 * Two joined sockets: each gets what the other one sends.
 *
 *     client ──data──▶ endpoint      each direction is independent: when the kernel does not take a write at once,
 *     client ◀──data── endpoint      reading for that direction stops until it does (back-pressure)
 *
 * Half-close: the end of one direction shuts down only the write side of the other socket. Both sockets close when both
 * directions have ended. A reset on one side becomes a reset on the other, so that the peer can distinguish a broken answer from a
 * complete one.
 *
 * The connection is over when both sockets are closed, which their owners learn.
 */
export interface TcpSplice {
  readonly bytesToEndpoint: number
  readonly bytesToClient: number
  /** Bytes of memory of this process that data takes which a receiver does not take. */
  readonly heldBytes: number
  /** Undefined as long as no side has broken the connection. */
  readonly failure: SpliceFailure | undefined
  readonly clientState: SocketState
  readonly endpointState: SocketState
  /** Whether `endIfGone` has found that a peer is gone whose bytes still wait for their receiver. */
  readonly isSenderGone: boolean
  /** Whether `endIfGone` has ended the connection. */
  readonly hasEndedGone: boolean
  /** Ends the connection by the rule if the peer of that side is gone. */
  endIfGone(side: SpliceFailure['side'], rule: GonePeerRule): void
  /** Aborts the connection with a reset to both sides. */
  reset(): void
}

/** How to open a listening socket. */
export interface TcpListenOptions extends BindOptions {
  /** Connections that may wait in the kernel before they are accepted; the kernel caps this at net.core.somaxconn. */
  readonly backlog: number
  /** Idle milliseconds after which the kernel checks that a client still exists. */
  readonly keepAliveMs: number
  readonly onClient: (client: TcpSocket) => void
  /** A client could not be accepted. */
  readonly onError: (error: Error) => void
}

/** A listening socket. */
export interface TcpServer {
  readonly port: number
  /** Stops listening at once. Accepted connections go on. */
  close(): void
}

/** One way to use TCP in Node.js. All of them behave the same; some cost less. */
export interface TcpTransport {
  /** Rejects with the system's error. */
  listen(options: TcpListenOptions): Promise<TcpServer>
  /** @param keepAliveMs idle milliseconds after which the kernel checks that the endpoint still exists */
  connect(target: Target, keepAliveMs: number, connector: TcpConnector): TcpSocket
  /** Joins two sockets of this transport. */
  splice(client: TcpSocket, endpoint: TcpSocket, owner: TcpSpliceOwner): TcpSplice
}
