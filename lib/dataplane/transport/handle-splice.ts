import { type Borrower, type ReadBuffers } from './read-buffers.js'
import { type ReadTurns } from './read-turns.js'
import { goneError, systemError } from './socket-error.js'
import { PENDING, type TcpHandle, type TcpHandleEvents, WRITTEN } from './tcp-handle.js'
import { type TcpTable } from './tcp-table.js'
import {
  type ConnectionEnd,
  type GonePeerRule,
  type SocketState,
  type SpliceFailure,
  type TcpSplice,
  type TcpSpliceOwner,
} from './tcp-transport.js'

/** What all splices of a transport share. */
export interface SharedByHandles {
  readonly buffers: ReadBuffers
  readonly turns: ReadTurns
  /** Says whether a peer that is held back has finished sending. */
  readonly table: TcpTable
}

/** A splice of two TCP handles. It lends them the memory that they read into. */
export class HandleSplice implements TcpSplice, TcpHandleEvents, Borrower {
  bytesToEndpoint = 0
  bytesToClient = 0
  failure: SpliceFailure | undefined
  hasEndedGone = false
  readonly #client: TcpHandle
  readonly #endpoint: TcpHandle
  readonly #buffers: ReadBuffers
  readonly #turns: ReadTurns
  readonly #table: TcpTable
  readonly #owner: TcpSpliceOwner
  /** A peer that has died. What it sent is on its way to the other side. */
  #deadSender: TcpHandle | undefined

  constructor(
    client: TcpHandle,
    endpoint: TcpHandle,
    { buffers, turns, table }: SharedByHandles,
    owner: TcpSpliceOwner,
  ) {
    this.#client = client
    this.#endpoint = endpoint
    this.#buffers = buffers
    this.#turns = turns
    this.#table = table
    this.#owner = owner
    client.read(this, buffers.shared)
    endpoint.read(this, buffers.shared)
  }

  get heldBytes(): number {
    return this.#client.heldBytes + this.#endpoint.heldBytes
  }

  get clientState(): SocketState {
    return this.#stateOf(this.#client)
  }

  get endpointState(): SocketState {
    return this.#stateOf(this.#endpoint)
  }

  get isSenderGone(): boolean {
    return this.#client.isPeerGone || this.#endpoint.isPeerGone
  }

  endIfGone(side: SpliceFailure['side'], { ifReset, ifPossiblyEnded, silentMs }: GonePeerRule): void {
    const handle = side === 'client' ? this.#client : this.#endpoint
    if (handle === this.#deadSender) return this.#endWhenReceived(handle)
    const onGone = (wasReset: boolean): void => this.#endGone(handle, wasReset ? ifReset : ifPossiblyEnded)
    if (ifPossiblyEnded === undefined) handle.checkHeldPeer(this.#table, silentMs, onGone)
    else handle.checkPeer(onGone)
  }

  reset(): void {
    this.#client.reset()
    this.#endpoint.reset()
  }

  onData(from: TcpHandle, buffer: Uint8Array, length: number): Uint8Array {
    let to = this.#client
    if (from === to) {
      to = this.#endpoint
      this.bytesToEndpoint += length
    } else this.bytesToClient += length
    const buffers = this.#buffers
    const bytes = buffers.prepareWrite(buffer, length)
    const result = to.write(bytes)
    if (result === WRITTEN) this.#turns.countRead(from, length)
    else if (result === PENDING) {
      buffers.detach(bytes)
      from.pause()
      this.#turns.countHeldRead(from, length)
      this.#owner.onUnpolled()
    } else {
      this.onError(to, systemError('write', result))
      return buffer
    }
    return buffers.nextBuffer(this, buffer, length)
  }

  onDrain(to: TcpHandle, bytes: Uint8Array): void {
    this.#buffers.recycle(bytes)
    this.#turns.goOn(this.#peerOf(to), bytes.length)
  }

  /** No write is pending in this direction: while one was, nothing was read, not even the end. */
  onEnd(from: TcpHandle): void {
    const to = this.#peerOf(from)
    if (!to.hasEnded) {
      to.shutdown()
      return this.#owner.onUnpolled()
    }
    to.close()
    from.close()
  }

  onError(handle: TcpHandle, error: Error): void {
    this.failure ??= { side: handle === this.#client ? 'client' : 'endpoint', error }
    this.reset()
  }

  onDeath(from: TcpHandle, error: Error): void {
    this.failure ??= { side: from === this.#client ? 'client' : 'endpoint', error }
    this.#deadSender = from
    this.#owner.onUnpolled()
  }

  onClose(handle: TcpHandle): void {
    const { buffer } = handle
    if (buffer !== undefined && buffer !== this.#buffers.shared) this.#buffers.discard(buffer)
  }

  tryReturn(buffer: Uint8Array): boolean {
    const from = this.#client.buffer === buffer ? this.#client : this.#endpoint
    if (this.#peerOf(from).heldBytes > 0) return false
    from.readInto(this.#buffers.shared)
    return true
  }

  #endGone(handle: TcpHandle, end: ConnectionEnd | undefined): void {
    if (end === undefined) return
    this.hasEndedGone = true
    if (end === 'reset') return this.onError(handle, goneError())
    this.#client.close()
    this.#endpoint.close()
  }

  /** A reset would discard what the other side has not acknowledged yet. */
  #endWhenReceived(from: TcpHandle): void {
    const to = this.#peerOf(from)
    const [local, remote] = [to.localAddress(), to.remoteAddress()]
    if (local === undefined || remote === undefined) return this.reset()
    this.#table.ask(local, remote, ({ unacknowledged }) => {
      if (unacknowledged === 0) this.reset()
    })
  }

  #stateOf(from: TcpHandle): SocketState {
    if (this.#peerOf(from).heldBytes > 0) return 'held'
    return from.hasEnded || from === this.#deadSender ? 'ended' : 'reading'
  }

  #peerOf(handle: TcpHandle): TcpHandle {
    return handle === this.#client ? this.#endpoint : this.#client
  }
}
