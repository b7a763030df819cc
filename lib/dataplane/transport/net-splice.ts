import { type Socket } from 'node:net'
import { type NetSocket, type NetSocketEvents } from './net-socket.js'
import { type ReadTurns } from './read-turns.js'
import { goneError } from './socket-error.js'
import { type TcpTable } from './tcp-table.js'
import {
  type ConnectionEnd,
  type GonePeerRule,
  type SocketState,
  type SpliceFailure,
  type TcpSplice,
  type TcpSpliceOwner,
} from './tcp-transport.js'

const EMPTY = Buffer.alloc(0)

/** A splice with Node.js's public streams. Both sockets must have been made with `allowHalfOpen`. */
export class NetSplice implements TcpSplice, NetSocketEvents {
  hasEndedGone = false
  readonly #client: NetSocket
  readonly #endpoint: NetSocket
  readonly #table: TcpTable
  readonly #turns: ReadTurns
  readonly #owner: TcpSpliceOwner
  #failure: SpliceFailure | undefined

  constructor(client: NetSocket, endpoint: NetSocket, table: TcpTable, turns: ReadTurns, owner: TcpSpliceOwner) {
    this.#client = client
    this.#endpoint = endpoint
    this.#table = table
    this.#turns = turns
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

  get heldBytes(): number {
    return heldBytesOf(this.#client.stream) + heldBytesOf(this.#endpoint.stream)
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

  get isSenderGone(): boolean {
    return this.#client.isPeerGone || this.#endpoint.isPeerGone
  }

  endIfGone(side: SpliceFailure['side'], rule: GonePeerRule): void {
    const socket = side === 'client' ? this.#client : this.#endpoint
    const onGone = (wasReset: boolean): void => this.#endGone(socket, wasReset ? rule.ifReset : rule.ifPossiblyEnded)
    // To ask the socket is a write: if the peer is gone, Node.js closes the socket, whatever it may still have to read. And after the end of
    // the write side, there is no write.
    if (rule.ifPossiblyEnded === undefined || !socket.stream.writable) socket.lookUpPeer(this.#table, onGone)
    else socket.checkPeer(onGone)
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

  #endGone(socket: NetSocket, end: ConnectionEnd | undefined): void {
    this.hasEndedGone ||= end !== undefined
    if (end === 'reset') {
      this.onError(socket, goneError())
      this.reset()
    } else if (end === 'close') {
      this.#client.close()
      this.#endpoint.close()
    }
  }

  #pipe({ stream: from }: NetSocket, receiver: NetSocket): void {
    const { stream: to } = receiver
    const reader = { due: 0, pauseAt: 0, pause: () => void from.pause(), resume: () => void from.resume() }
    let heldBytes = 0
    const resume = (): void => this.#turns.goOn(reader, heldBytes)
    from.on('data', (chunk: Buffer) => {
      const mayGoOn = to.write(chunk)
      if (mayGoOn && to.writableLength === 0) return this.#turns.countRead(reader, chunk.length)
      from.pause()
      heldBytes = chunk.length
      this.#turns.countHeldRead(reader, heldBytes)
      this.#owner.onUnpolled()
      // Very small pieces would take far more memory than their bytes before Node.js asks for a pause, and it reports the drain only then.
      if (mayGoOn) to.write(EMPTY, resume)
    })
    to.on('drain', resume)
    from.on('end', () => {
      receiver.finish()
      this.#owner.onUnpolled()
    })
    from.resume()
  }
}

function heldBytesOf({ writableLength, readableLength }: Socket): number {
  return writableLength + readableLength
}

function stateOf(from: Socket, to: Socket): SocketState {
  if (to.writableLength > 0 && (from.isPaused() || from.readableEnded)) return 'held'
  return from.readableEnded ? 'ended' : 'reading'
}
