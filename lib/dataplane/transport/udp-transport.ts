import { type Target } from '../../balancer/balancer.js'
import { type BoundSocket } from './bound-socket.js'
import { type SocketAddress } from './upstream-sockets.js'

/** One UDP socket that is bound. */
export interface UdpSocket {
  /** Our own port. */
  readonly port: number
  /** Sends to where the socket is connected. The datagram must not change any more. What goes wrong is told to the user, later. */
  send(datagram: Buffer): void
  /** The same to anywhere, from a socket that is not connected. */
  sendTo(datagram: Buffer, to: UdpPeer): void
  /** Nothing more is heard of it. What was sent before has left, unless that had to wait for the kernel. */
  close(): void
}

/** A socket of another host, or process. */
export interface UdpPeer {
  readonly address: string
  readonly port: number
}

/** Hears of what comes in on a socket, until that is closed. */
export interface UdpSocketEvents {
  onMessage(datagram: Buffer, from: UdpPeer): void
  /**
   * A datagram could not be sent, or (connected sockets) nobody is there to receive any; the socket stays open. Never called
   * before `send` or `connect` has returned.
   */
  onError(error: Error): void
}

export interface UdpConnector extends UdpSocketEvents {
  /** The socket has an end of its own; nothing has been sent from it. It may be before `connect` returns. */
  onConnect(local: SocketAddress): void
}

export interface UdpBindOptions {
  /** A socket that is bound already, to receive through in place of one of our own; `port` is then its own. */
  readonly bound?: BoundSocket | undefined
  readonly address: string
  /** 0: any. */
  readonly port: number
  /** Asked of the kernel, which gives at most net.core.rmem_max. */
  readonly receiveBufferBytes: number
}

/** A way to do UDP in Node. All ways behave alike; some cost less. */
export interface UdpTransport {
  /** Opens a socket that receives from everybody. Rejects with the system's error. */
  bind(options: UdpBindOptions, user: UdpSocketEvents): Promise<UdpSocket>
  /** Opens a socket that sends to and receives from one peer. It can be sent to at once. */
  connect(target: Target, connector: UdpConnector): UdpSocket
}
