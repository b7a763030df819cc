import { getSystemErrorMap } from 'node:util'
import { type TcpConnector } from './tcp-transport.js'

/*
 * The only file that takes something from below Node.js's public API for TCP (udp-handle.ts does for UDP): the objects that
 * `net.Socket` itself is made of, Node.js's binding to libuv's TCP streams, without the socket and its two streams on top. All
 * assumptions about them are below and in the files that use them: tcp-handle.ts, accept-handles.ts and connect-handle.ts.
 * probe-tcp-transport.ts checks them before anything depends on them. The reasons are in docs/decisions/0005-node-handles.md.
 */

/** Calls return 0 or a negative error number. @typeParam Handle what `handle` is */
export interface RawTcp<Handle> {
  readonly fd: number
  onconnection: (status: number, client: RawTcp<Handle> | undefined) => void
  onread: (this: RawTcp<Handle>) => Uint8Array | undefined
  connect(request: RawRequest<Handle>, ip: string, port: number): number
  connect6(request: RawRequest<Handle>, ip: string, port: number): number
  getpeername(out: { address?: string; port?: number }): number
  getsockname(out: { address?: string; port?: number }): number
  setNoDelay(on: boolean): number
  setKeepAlive(on: boolean, seconds: number): number
  /** All further reads go to this memory. The caller has to keep a reference to it. */
  useUserBuffer(buffer: Uint8Array): void
  readStart(): number
  readStop(): number
  writeBuffer(request: RawRequest<Handle>, bytes: Uint8Array): number
  shutdown(request: RawRequest<Handle>): number
  /** Must not be called during a shutdown: it would do nothing, and the handle could no longer be closed. */
  reset(): number
  close(): void
  /** Added by tcp-handle.ts. */
  handle?: Handle
}

/** A call that completes later. */
export interface RawRequest<Handle> {
  oncomplete: (this: RawRequest<Handle>, status: number) => void
  /** Added by tcp-handle.ts and connect-handle.ts, as are the others. */
  handle?: Handle
  bytes?: Uint8Array
  connector?: TcpConnector
}

interface TcpBinding {
  readonly TCP: new <Handle>(type: number) => RawTcp<Handle>
  readonly TCPConnectWrap: new <Handle>() => RawRequest<Handle>
  readonly constants: { readonly SOCKET: number }
}

interface StreamBinding {
  readonly WriteWrap: new <Handle>() => RawRequest<Handle>
  readonly ShutdownWrap: new <Handle>() => RawRequest<Handle>
  /** Where Node.js leaves results of the current call or callback. */
  readonly streamBaseState: Readonly<Record<number, number>>
  readonly kReadBytesOrError: number
  readonly kLastWriteWasAsync: number
}

const { binding } = process as unknown as { binding(name: string): unknown }

export const tcpBinding = binding('tcp_wrap') as TcpBinding
export const streamBinding = binding('stream_wrap') as StreamBinding
/** The length of a read at the end of the data. */
export const UV_EOF = [...getSystemErrorMap()].find(([, [name]]) => name === 'EOF')![0]
