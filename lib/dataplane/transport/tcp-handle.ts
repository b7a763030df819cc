import { systemCode } from '../../model/failure.js'
import { type RawRequest, type RawTcp, UV_EOF, streamBinding } from './raw-tcp.js'
import { type SocketAddress } from './upstream-sockets.js'
import { HeldPeer } from './held-peer.js'
import { errorAfterData, reasonOfEnd } from './reason-of-end.js'
import { type Reader } from './read-turns.js'
import { goneError, systemError } from './socket-error.js'
import { type TcpSocket, type TcpSocketOwner } from './tcp-transport.js'
import { type TcpTable } from './tcp-table.js'

const { WriteWrap, ShutdownWrap, streamBaseState: state, kReadBytesOrError, kLastWriteWasAsync } = streamBinding

type Raw = RawTcp<TcpHandle>
type Request = RawRequest<TcpHandle>

/** Result of a write: the kernel has all of it. */
export const WRITTEN = 0
/** Result of a write: the kernel has a part of it. The bytes must not change until `onDrain` is called. */
export const PENDING = 1

/** Learns what happens on a handle. */
export interface TcpHandleEvents {
  /**
   * The first `length` bytes of `buffer` were read. They stay only until this returns, unless it returns another buffer.
   * @returns the buffer for the next read
   */
  onData(handle: TcpHandle, buffer: Uint8Array, length: number): Uint8Array
  /** The peer has finished sending. */
  onEnd(handle: TcpHandle): void
  /** The peer has reset the connection, or a write has failed. The handle is still open. */
  onError(handle: TcpHandle, error: Error): void
  /** The peer, or the path to it, is gone, after what was read. The handle is still open. */
  onDeath(handle: TcpHandle, error: Error): void
  /** The kernel has taken the pending write. `bytes` is the argument of `write`. */
  onDrain(handle: TcpHandle, bytes: Uint8Array): void
  onClose(handle: TcpHandle): void
}

/** The last handle that has read bytes. */
let lastReader: TcpHandle | undefined

const NO_OWNER: TcpSocketOwner = { onClose: () => undefined }

/** A TcpSocket on one of Node.js's internal TCP handles. It is closed when the call of `close` or `reset` returns. */
export class TcpHandle implements TcpSocket, Reader {
  due = 0
  pauseAt = 0
  owner: TcpSocketOwner
  /** Whether the peer has finished sending. */
  hasEnded = false
  /** Memory of the pending write, in bytes; 0: there is none. There must be no other write until it is drained. */
  heldBytes = 0
  /** Set when the peer was held back for a while. */
  #heldPeer: HeldPeer | undefined
  readonly #raw: Raw
  #events: TcpHandleEvents | undefined
  /** Node.js has only the bare address; this reference keeps the memory from being freed. */
  #buffer: Uint8Array | undefined
  #isOpen = true
  #isShuttingDown = false
  #resetAfterShutdown = false

  constructor(raw: unknown, owner: TcpSocketOwner = NO_OWNER) {
    this.#raw = raw as Raw
    this.#raw.handle = this
    this.owner = owner
  }

  /** Whether it is not closed. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** The buffer for the next read; undefined before the first `read`. */
  get buffer(): Uint8Array | undefined {
    return this.#buffer
  }

  remoteAddress(): SocketAddress | undefined {
    const out: { address?: string; port?: number } = {}
    return this.#isOpen && this.#raw.getpeername(out) === 0 ? { ip: out.address!, port: out.port! } : undefined
  }

  localAddress(): SocketAddress | undefined {
    const out: { address?: string; port?: number } = {}
    return this.#isOpen && this.#raw.getsockname(out) === 0 ? { ip: out.address!, port: out.port! } : undefined
  }

  checkPeer(onGone: (wasReset: boolean) => void): void {
    // A pending write reports an error by itself. When the kernel has dropped the connection, it no longer knows the peer's address;
    // a read would not show it after the end of the data.
    if (!this.#isOpen || this.heldBytes > 0 || this.#raw.getpeername({}) === 0) return
    onGone(reasonOfEnd(this.#raw.fd) === 'ECONNRESET')
  }

  /**
   * The same for a peer that is held back. What a read reports at the end of its bytes stays true.
   * @param silentMs see `HeldPeer.wasReset`
   */
  checkHeldPeer(table: TcpTable, silentMs: number | undefined, onGone: (wasReset: boolean) => void): void {
    if (!this.#isOpen || this.heldBytes > 0) return
    this.#heldPeer ??= new HeldPeer()
    const [local, remote] = [this.localAddress(), this.remoteAddress()]
    if (remote !== undefined) {
      if (local !== undefined) this.#heldPeer.observe(table, local, remote)
    } else onGone(this.#heldPeer.wasReset(this.#raw.fd, silentMs))
  }

  /** Whether `checkHeldPeer` has found that the peer is gone. */
  get isPeerGone(): boolean {
    return this.#heldPeer?.isGone === true
  }

  /** Begins to read, into `buffer` first. Called once. */
  read(events: TcpHandleEvents, buffer: Uint8Array): void {
    this.#events = events
    this.#raw.onread = TcpHandle.#onRead
    this.readInto(buffer)
    this.resume()
  }

  /**
   * Changes the buffer for the next read. Each call costs a few bytes until the handle is closed; the return value of `onData`
   * does the same at no cost.
   */
  readInto(buffer: Uint8Array): void {
    this.#buffer = buffer
    this.#raw.useUserBuffer(buffer)
  }

  /** Stops reading. */
  pause(): void {
    if (this.#isOpen) this.#raw.readStop()
  }

  /** Goes on reading. */
  resume(): void {
    if (this.#isOpen && !this.#resetAfterShutdown) this.#raw.readStart()
  }

  /** @returns WRITTEN, PENDING, or the system's error as a negative number */
  write(bytes: Uint8Array): number {
    const request = TcpHandle.#spareWrite
    const status = this.#raw.writeBuffer(request, bytes)
    if (status !== 0) return status
    if (state[kLastWriteWasAsync] === 0) return WRITTEN
    TcpHandle.#spareWrite = TcpHandle.#newWrite()
    request.handle = this
    request.bytes = bytes
    this.heldBytes = bytes.buffer.byteLength
    return PENDING
  }

  /** Ends the write side, so that the peer reads the end. No write may be pending. */
  shutdown(): void {
    if (!this.#isOpen) return
    const request = new ShutdownWrap<TcpHandle>()
    request.handle = this
    request.oncomplete = TcpHandle.#onShutdown
    // Any other status: the write side has ended already, or the peer is gone, which the next read reports.
    this.#isShuttingDown = this.#raw.shutdown(request) === 0
  }

  reset(): void {
    if (!this.#isOpen) return
    if (this.#isShuttingDown) {
      this.#resetAfterShutdown = true
      this.#raw.readStop()
      return
    }
    this.#isOpen = false
    this.#raw.reset()
    this.#notifyClosed()
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#raw.close()
    this.#notifyClosed()
  }

  #finishReading(error: Error | undefined): void {
    const events = this.#events!
    if (error !== undefined)
      return systemCode(error) === 'ECONNRESET' ? events.onError(this, error) : events.onDeath(this, error)
    this.hasEnded = true
    events.onEnd(this)
  }

  /**
   * The error behind an end that libuv reports. When the kernel has dropped the connection, libuv reports an end right after the last
   * bytes, without a read that would return the error.
   */
  #findErrorAtEnd(): Error | undefined {
    if (this.#heldPeer?.isBroken === true) return goneError()
    if (lastReader !== this || this.#raw.getpeername({}) === 0) return undefined
    return errorAfterData(this.#raw.fd)
  }

  #notifyClosed(): void {
    this.#events?.onClose(this)
    this.owner.onClose(this)
  }

  static #onRead(this: Raw): Uint8Array | undefined {
    const handle = this.handle!
    const length = state[kReadBytesOrError]!
    if (length > 0) {
      lastReader = handle
      const buffer = handle.#buffer!
      const next = handle.#events!.onData(handle, buffer, length)
      // Undefined means: the same buffer.
      if (next === buffer) return undefined
      handle.#buffer = next
      return next
    }
    if (length === UV_EOF) handle.#finishReading(handle.#findErrorAtEnd())
    else if (length < 0) handle.#finishReading(systemError('read', length))
    // Zero: after a read that filled the buffer, the kernel had no more bytes.
    return undefined
  }

  static #onWritten(this: Request, status: number): void {
    const handle = this.handle!
    handle.heldBytes = 0
    if (!handle.#isOpen) return
    if (status < 0) handle.#events!.onError(handle, systemError('write', status))
    else handle.#events!.onDrain(handle, this.bytes!)
  }

  static #onShutdown(this: Request): void {
    const handle = this.handle!
    handle.#isShuttingDown = false
    if (handle.#resetAfterShutdown) handle.reset()
  }

  /** Used for all writes that the kernel takes at once: Node.js keeps a request only while its write is pending. */
  static #spareWrite = TcpHandle.#newWrite()

  static #newWrite(): Request {
    const request = new WriteWrap<TcpHandle>()
    request.oncomplete = TcpHandle.#onWritten
    return request
  }
}
