import { type Target } from '../../balancer/balancer.js'
import { type BindOptions } from './bind-options.js'
import { type SendQueue } from './send-queue.js'
import { type SocketAddress } from './upstream-sockets.js'

/** One bound UDP socket. */
export interface UdpSocket {
  /** The local port. */
  readonly port: number
  /** Sends to the connected peer. The datagram must not change after the call. Errors are reported later, to `onError`. */
  send(datagram: Buffer): void
  /** Sends to any peer, from a socket that is not connected. Otherwise the same. */
  sendTo(datagram: Buffer, to: UdpPeer): void
  /** The socket makes no more calls. Datagrams sent before have left, unless the kernel could not take them at once. */
  close(): void
}

/** The socket of another host or process, with the address as Node.js writes it. */
export interface UdpPeer {
  readonly address: string
  readonly port: number
}

/** Learns what happens on a socket, until the socket is closed. */
export interface UdpSocketEvents {
  onMessage(datagram: Buffer, from: UdpPeer): void
  /**
   * A datagram could not be sent, or the port of the connected peer is closed. The socket stays open. Never called before `send`
   * or `connect` returns.
   */
  onError(error: Error): void
}

/** Learns what happens on a socket to one peer. */
export interface UdpConnector extends UdpSocketEvents {
  /** The local address is known; nothing has been sent yet. May be called before `connect` returns. */
  onConnect(local: SocketAddress): void
}

/** How to open a socket that receives from any client. */
export interface UdpBindOptions extends BindOptions {
  /** Requested size of the kernel's buffer, each way; the kernel grants at most net.core.rmem_max and wmem_max. */
  readonly bufferBytes: number
}

/** One way to use UDP in Node.js. All of them behave the same; some cost less. */
export interface UdpTransport {
  /** The datagrams of all its sockets that the kernel does not take at once. */
  readonly sendQueue: SendQueue
  /** Opens a socket that receives from any client. Rejects with the system's error. */
  bind(options: UdpBindOptions, events: UdpSocketEvents): Promise<UdpSocket>
  /** Opens a socket that exchanges datagrams with one peer. It accepts `send` at once. */
  connect(target: Target, connector: UdpConnector): UdpSocket
}
