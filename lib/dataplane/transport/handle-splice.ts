import { type Borrower, type ReadBuffers } from './read-buffers.js'
import { type ReadTurns } from './read-turns.js'
import { goneError, systemError } from './socket-error.js'
import { PENDING, type TcpHandle, type TcpHandleEvents, WRITTEN } from './tcp-handle.js'
import {
  type GonePeerRule,
  type SocketState,
  type SpliceFailure,
  type TcpSplice,
  type TcpSpliceOwner,
} from './tcp-transport.js'

/** A splice of two TCP handles. It lends them the memory that they read into. */
export class HandleSplice implements TcpSplice, TcpHandleEvents, Borrower {
  bytesToEndpoint = 0
  bytesToClient = 0
  failure: SpliceFailure | undefined
  readonly #client: TcpHandle
  readonly #endpoint: TcpHandle
  readonly #buffers: ReadBuffers
  readonly #turns: ReadTurns
  readonly #owner: TcpSpliceOwner

  constructor(client: TcpHandle, endpoint: TcpHandle, buffers: ReadBuffers, turns: ReadTurns, owner: TcpSpliceOwner) {
    this.#client = client
    this.#endpoint = endpoint
    this.#buffers = buffers
    this.#turns = turns
    this.#owner = owner
    client.read(this, buffers.shared)
    endpoint.read(this, buffers.shared)
  }

  get heldBytes(): number {
    return this.#client.heldBytes + this.#endpoint.heldBytes
  }

  get clientState(): SocketState {
    return stateOf(this.#client, this.#endpoint)
  }

  get endpointState(): SocketState {
    return stateOf(this.#endpoint, this.#client)
  }

  endIfGone(side: SpliceFailure['side'], rule: GonePeerRule): void {
    const handle = side === 'client' ? this.#client : this.#endpoint
    handle.checkPeer(wasReset => {
      const end = wasReset ? rule.ifReset : rule.ifPossiblyEnded
      if (end === 'reset') this.onError(handle, goneError())
      if (end !== 'close') return
      this.#client.close()
      this.#endpoint.close()
    })
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

  #peerOf(handle: TcpHandle): TcpHandle {
    return handle === this.#client ? this.#endpoint : this.#client
  }
}

function stateOf(from: TcpHandle, to: TcpHandle): SocketState {
  if (to.heldBytes > 0) return 'held'
  return from.hasEnded ? 'ended' : 'reading'
}
