import { type HalfClosedLimit } from './half-closed-limit.js'
import { type Borrower, type ReadBuffers } from './read-buffers.js'
import { systemError } from './system-error.js'
import { PENDING, type TcpHandle, type TcpHandleUser, WRITTEN } from './tcp-handle.js'
import { type SpliceBreak, type TcpSplice } from './tcp-transport.js'

/** A splice of two TCP handles. */
export class HandleSplice implements TcpSplice, TcpHandleUser, Borrower {
  bytesToEndpoint = 0
  bytesToClient = 0
  broken: SpliceBreak | undefined
  readonly #client: TcpHandle
  readonly #endpoint: TcpHandle
  readonly #buffers: ReadBuffers
  readonly #limit: HalfClosedLimit

  constructor(client: TcpHandle, endpoint: TcpHandle, buffers: ReadBuffers, limit: HalfClosedLimit) {
    this.#client = client
    this.#endpoint = endpoint
    this.#buffers = buffers
    this.#limit = limit
    client.read(this, buffers.shared)
    endpoint.read(this, buffers.shared)
  }

  reset(): void {
    this.#client.reset()
    this.#endpoint.reset()
  }

  received(from: TcpHandle, buffer: Uint8Array, length: number): Uint8Array {
    let to = this.#client
    if (from === to) {
      to = this.#endpoint
      this.bytesToEndpoint += length
    } else this.bytesToClient += length
    const buffers = this.#buffers
    const bytes = buffers.outgoing(buffer, length)
    const result = to.write(bytes)
    if (result === PENDING) {
      buffers.handOver(bytes)
      from.pause()
    } else if (result !== WRITTEN) {
      this.broke(to, systemError('write', result))
      return buffer
    }
    return buffers.next(this, buffer, length)
  }

  drained(to: TcpHandle, bytes: Uint8Array): void {
    this.#buffers.drained(bytes)
    this.#otherOf(to).resume()
  }

  /** Nothing is pending in this direction: while something was, nothing was read, not even the end. */
  ended(from: TcpHandle): void {
    const to = this.#otherOf(from)
    this.#limit.add(this)
    if (!to.hasEnded) return to.shutdown()
    to.close()
    from.close()
  }

  broke(handle: TcpHandle, error: Error): void {
    this.broken ??= { side: handle === this.#client ? 'client' : 'endpoint', error }
    this.reset()
  }

  closed(handle: TcpHandle): void {
    const { buffer } = handle
    if (buffer !== undefined && buffer !== this.#buffers.shared) this.#buffers.lost(buffer)
    this.#limit.delete(this)
  }

  giveBack(buffer: Uint8Array): boolean {
    const from = this.#client.buffer === buffer ? this.#client : this.#endpoint
    if (this.#otherOf(from).isWriting) return false
    from.readInto(this.#buffers.shared)
    return true
  }

  #otherOf(handle: TcpHandle): TcpHandle {
    return handle === this.#client ? this.#endpoint : this.#client
  }
}
