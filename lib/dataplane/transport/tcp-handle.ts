import { type Server } from 'node:net'
import { getSystemErrorMap } from 'node:util'
import { type SocketAddress } from './upstream-sockets.js'
import { systemError } from './system-error.js'
import { type TcpConnector, type TcpSocket, type TcpSocketOwner } from './tcp-transport.js'

/*
 * The only file that reaches under Node's public API for TCP (udp-handle.ts does for UDP): it uses the objects that
 * `net.Socket` itself is made of (Node's binding to libuv's TCP streams), without the socket and its two streams on top.
 * Everything assumed about them is below, and tried out by probe-transport.ts before anything relies on it. docs/decisions/0005-node-handles.md says why.
 */

interface RawTcp {
  onconnection: (status: number, client: RawTcp | undefined) => void
  onread: (this: RawTcp) => Uint8Array | undefined
  connect(request: RawRequest, ip: string, port: number): number
  connect6(request: RawRequest, ip: string, port: number): number
  getpeername(out: { address?: string; port?: number }): number
  getsockname(out: { address?: string; port?: number }): number
  setNoDelay(on: boolean): number
  setKeepAlive(on: boolean, seconds: number): number
  /** Has all reads from now on go to this memory, of which nobody but the caller keeps hold. */
  useUserBuffer(buffer: Uint8Array): void
  readStart(): number
  readStop(): number
  writeBuffer(request: RawRequest, bytes: Uint8Array): number
  shutdown(request: RawRequest): number
  /** Must not be called while a shutdown is under way: it would do nothing, and the handle could not be closed any more. */
  reset(): number
  close(): void
  /** Ours. */
  handle?: TcpHandle
}

interface RawRequest {
  oncomplete: (this: RawRequest, status: number) => void
  /** Ours. */
  handle?: TcpHandle
  bytes?: Uint8Array
  connector?: TcpConnector
}

interface TcpBinding {
  readonly TCP: new (type: number) => RawTcp
  readonly TCPConnectWrap: new () => RawRequest
  readonly constants: { readonly SOCKET: number }
}

interface StreamBinding {
  readonly WriteWrap: new () => RawRequest
  readonly ShutdownWrap: new () => RawRequest
  /** Where Node leaves the results of the call or call-back that is under way. */
  readonly streamBaseState: Readonly<Record<number, number>>
  readonly kReadBytesOrError: number
  readonly kLastWriteWasAsync: number
}

const { binding } = process as unknown as { binding(name: string): unknown }
const { TCP, TCPConnectWrap, constants } = binding('tcp_wrap') as TcpBinding
const {
  WriteWrap,
  ShutdownWrap,
  streamBaseState: state,
  kReadBytesOrError,
  kLastWriteWasAsync,
} = binding('stream_wrap') as StreamBinding
const UV_EOF = [...getSystemErrorMap()].find(([, [name]]) => name === 'EOF')![0]

/** What became of a write: the kernel has all of it. */
export const WRITTEN = 0
/** What became of a write: the kernel has a part of it; the rest must stay as it is until `drained` is called. */
export const PENDING = 1

/** Hears of what comes in on a handle. */
export interface TcpHandleEvents {
  /**
   * The first `length` bytes of `buffer` have come; they stay only until this returns, unless it returns another buffer.
   * @returns the buffer for what comes next
   */
  onData(handle: TcpHandle, buffer: Uint8Array, length: number): Uint8Array
  /** The peer has finished sending. */
  onEnd(handle: TcpHandle): void
  /** The peer, or the way to it, is gone. The handle is still open. */
  onError(handle: TcpHandle, error: Error): void
  /** The write that was pending is with the kernel. `bytes` is what was given to `write`. */
  onDrain(handle: TcpHandle, bytes: Uint8Array): void
  onClose(handle: TcpHandle): void
}

const NO_OWNER: TcpSocketOwner = { onClose: () => undefined }

/** A TcpSocket on one of Node's own TCP handles. Closing is done when the call returns. */
export class TcpHandle implements TcpSocket {
  owner: TcpSocketOwner
  /** Whether the peer has finished sending. */
  hasEnded = false
  /** Whether a write is pending: until it is drained there must be no other one. */
  isWriting = false
  readonly #raw: RawTcp
  #events: TcpHandleEvents | undefined
  /** Node has the bare address only: this keeps the memory from being freed. */
  #buffer: Uint8Array | undefined
  #isOpen = true
  #isShuttingDown = false
  #resetAfterShutdown = false

  constructor(raw: unknown, owner: TcpSocketOwner = NO_OWNER) {
    this.#raw = raw as RawTcp
    this.#raw.handle = this
    this.owner = owner
  }

  /** Has a server of `net`, which listens, give its clients to `onClient` as handles. */
  static accept(
    server: Server,
    keepAliveMs: number,
    onClient: (client: TcpHandle) => void,
    onError: (error: Error) => void,
  ): void {
    const raw = (server as unknown as { readonly _handle: RawTcp })._handle
    // The kernel hands both on to the sockets it accepts.
    raw.setNoDelay(true)
    raw.setKeepAlive(true, toSeconds(keepAliveMs))
    raw.onconnection = (status, client) => {
      if (client === undefined) onError(systemError('accept', status))
      else onClient(new TcpHandle(client))
    }
  }

  /** As TcpTransport.connect. */
  static connect(ip: string, port: number, keepAliveMs: number, connector: TcpConnector): TcpHandle {
    const raw = new TCP(constants.SOCKET)
    const handle = new TcpHandle(raw, connector)
    const request = new TCPConnectWrap()
    request.handle = handle
    request.connector = connector
    request.oncomplete = TcpHandle.#onConnected
    const status = ip.includes(':') ? raw.connect6(request, ip, port) : raw.connect(request, ip, port)
    if (status !== 0) {
      process.nextTick(() => handle.#finishConnect(connector, status))
    } else {
      raw.setNoDelay(true)
      raw.setKeepAlive(true, toSeconds(keepAliveMs))
      connector.onConnecting(handle)
    }
    return handle
  }

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

  checkPeer(): void {
    // The kernel does not know the peer any more once that has reset the connection.
    if (this.#isOpen && this.remoteAddress() === undefined) this.close()
  }

  /** Begins to read, into `buffer` first. Called once. */
  read(user: TcpHandleEvents, buffer: Uint8Array): void {
    this.#events = user
    this.#raw.onread = TcpHandle.#onRead
    this.readInto(buffer)
    this.resume()
  }

  /**
   * Has the next read go to another buffer. Costs a few bytes until the handle is closed, each time: the value that
   * `received` returns does the same for nothing.
   */
  readInto(buffer: Uint8Array): void {
    this.#buffer = buffer
    this.#raw.useUserBuffer(buffer)
  }

  pause(): void {
    if (this.#isOpen) this.#raw.readStop()
  }

  resume(): void {
    if (this.#isOpen) this.#raw.readStart()
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
    this.isWriting = true
    return PENDING
  }

  /** Tells the peer that nothing more comes. There must be no write pending. */
  shutdown(): void {
    if (!this.#isOpen) return
    const request = new ShutdownWrap()
    request.handle = this
    request.oncomplete = TcpHandle.#onShutdown
    // Anything else: it is done already, or the peer is gone, which reading tells.
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

  #notifyClosed(): void {
    this.#events?.onClose(this)
    this.owner.onClose(this)
  }

  #finishConnect(connector: TcpConnector, status: number): void {
    if (!this.#isOpen) return
    if (status === 0) return connector.onConnect(this)
    this.close()
    connector.onError(this, systemError('connect', status))
  }

  static #onConnected(this: RawRequest, status: number): void {
    this.handle!.#finishConnect(this.connector!, status)
  }

  static #onRead(this: RawTcp): Uint8Array | undefined {
    const handle = this.handle!
    const length = state[kReadBytesOrError]!
    if (length > 0) {
      const buffer = handle.#buffer!
      const next = handle.#events!.onData(handle, buffer, length)
      // Undefined: the same one.
      if (next === buffer) return undefined
      handle.#buffer = next
      return next
    }
    if (length === UV_EOF) {
      handle.hasEnded = true
      handle.#events!.onEnd(handle)
    } else if (length < 0) handle.#events!.onError(handle, systemError('read', length))
    // Zero: the kernel had nothing more, after a read that filled the buffer.
    return undefined
  }

  static #onWritten(this: RawRequest, status: number): void {
    const handle = this.handle!
    handle.isWriting = false
    if (!handle.#isOpen) return
    if (status < 0) handle.#events!.onError(handle, systemError('write', status))
    else handle.#events!.onDrain(handle, this.bytes!)
  }

  static #onShutdown(this: RawRequest): void {
    const handle = this.handle!
    handle.#isShuttingDown = false
    if (handle.#resetAfterShutdown) handle.reset()
  }

  /** Serves all writes that the kernel takes at once: Node only holds on to a request whose write is left pending. */
  static #spareWrite = TcpHandle.#newWrite()

  static #newWrite(): RawRequest {
    const request = new WriteWrap()
    request.oncomplete = TcpHandle.#onWritten
    return request
  }
}

function toSeconds(ms: number): number {
  return Math.trunc(ms / 1000)
}
