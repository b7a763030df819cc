import { type Socket } from 'node:net'
import { type NetSocket, type NetSocketEvents } from './net-socket.js'
import { goneError } from './socket-error.js'
import {
  type GonePeerRule,
  type SocketState,
  type SpliceFailure,
  type TcpSplice,
  type TcpSpliceOwner,
} from './tcp-transport.js'

/** A splice with Node.js's public streams. Both sockets must have been made with `allowHalfOpen`. */
export class NetSplice implements TcpSplice, NetSocketEvents {
  readonly #client: NetSocket
  readonly #endpoint: NetSocket
  readonly #owner: TcpSpliceOwner
  #failure: SpliceFailure | undefined

  constructor(client: NetSocket, endpoint: NetSocket, owner: TcpSpliceOwner) {
    this.#client = client
    this.#endpoint = endpoint
    this.#owner = owner
    client.events = this
    endpoint.events = this
    this.#pipe(client, endpoint)
    this.#pipe(endpoint, client)
  }

  get bytesToEndpoint(): number {
    return this.#client.stream.bytesRead
  }

  get bytesToClient(): number {
    return this.#endpoint.stream.bytesRead
  }

  get failure(): SpliceFailure | undefined {
    return this.#failure
  }

  get clientState(): SocketState {
    return stateOf(this.#client.stream, this.#endpoint.stream)
  }

  get endpointState(): SocketState {
    return stateOf(this.#endpoint.stream, this.#client.stream)
  }

  endIfGone(side: SpliceFailure['side'], rule: GonePeerRule): void {
    // To ask is a write: if the peer is gone, Node.js closes the socket, whatever it may still have to read.
    if (rule.ifPossiblyEnded === undefined) return
    const socket = side === 'client' ? this.#client : this.#endpoint
    socket.checkPeer(wasReset => {
      if ((wasReset ? rule.ifReset : rule.ifPossiblyEnded) === 'reset') {
        this.onError(socket, goneError())
        return this.reset()
      }
      this.#client.close()
      this.#endpoint.close()
    })
  }

  reset(): void {
    this.#client.reset()
    this.#endpoint.reset()
  }

  onError(socket: NetSocket, error: Error): void {
    this.#failure ??= { side: socket === this.#client ? 'client' : 'endpoint', error }
  }

  onClose(socket: NetSocket, hadError: boolean): void {
    // Without an error and an end, this program has closed the socket, perhaps just before the splice.
    if (hadError || !socket.stream.readableEnded) (socket === this.#client ? this.#endpoint : this.#client).reset()
  }

  #pipe({ stream: from }: NetSocket, { stream: to }: NetSocket): void {
    from.on('data', chunk => {
      if (to.write(chunk)) return
      from.pause()
      this.#owner.onUnpolled()
    })
    to.on('drain', () => from.resume())
    from.on('end', () => {
      to.end()
      this.#owner.onUnpolled()
    })
    from.resume()
  }
}

function stateOf(from: Socket, to: Socket): SocketState {
  if (to.writableLength > 0 && (from.isPaused() || from.readableEnded)) return 'held'
  return from.readableEnded ? 'ended' : 'reading'
}
