import dgram from 'node:dgram'
import net from 'node:net'
import { constants } from 'node:os'
import { type ListenerSpec } from '../dataplane/listener-plan.js'

/**
 * A socket that is bound and does nothing else: no connection is accepted and no datagram read through it. It can be sent to
 * another process, which listens on it; the kernel keeps it open until the last copy is closed.
 */
export interface BoundHandle {
  readonly port: number
  /** What `child_process` sends and a `net.Server` or `dgram.Socket` takes. */
  readonly handle: object
  /** Closes this process's copy. */
  close(): void
}

/*
 * Node has no public way to bind without listening or reading. All that reaches below its public API is in this file, is
 * tried once by `canBindHandles`, and is done without where that fails: then workers bind their sockets themselves.
 */

/** Node's own handle, as far as it is used here. Methods return 0 or a negative error number. */
interface NativeHandle {
  readonly fd: number
  bind(address: string, port: number, flags: number): number
  bind6(address: string, port: number, flags: number): number
  listen(backlog: number): number
  getsockname(out: { port?: number }): number
  close(): void
}

interface NetInternals {
  _createServerHandle?: (
    address: string,
    port: number,
    family: 4 | 6,
    fd: number,
    flags: number,
  ) => NativeHandle | number
}

/** UV_TCP_IPV6ONLY and UV_UDP_IPV6ONLY. */
const IPV6_ONLY = 1

/**
 * Binds a socket for a listener, on its address and port.
 * @throws an error with the system's code: EADDRINUSE, EADDRNOTAVAIL, EMFILE …
 */
export function bindHandle(spec: Pick<ListenerSpec, 'protocol' | 'address' | 'port'>): BoundHandle {
  const handle = spec.protocol === 'TCP' ? bindTcp(spec.address, spec.port) : bindUdp(spec.address, spec.port)
  const name: { port?: number } = {}
  // That the port is taken is told by the first call after bind() only (libuv).
  throwOnError(handle, handle.getsockname(name), 'getsockname')
  return { port: name.port!, handle, close: () => handle.close() }
}

/**
 * Finds out that nobody else listens on the port, and leaves it again. Resolves nothing: it takes no turn of the event loop, so
 * that no client can get in.
 * @returns the port
 * @throws as `bindHandle`
 */
export function probePort(spec: Pick<ListenerSpec, 'protocol' | 'address' | 'port'>): number {
  const { port, handle, close } = bindHandle(spec)
  // Two sockets may be bound to one TCP port as long as neither listens (SO_REUSEADDR).
  if (spec.protocol === 'TCP') throwOnError(handle as NativeHandle, (handle as NativeHandle).listen(1), 'listen')
  close()
  return port
}

/** The descriptor of a handle: for processes that inherit it. */
export function descriptorOf(handle: object): number {
  return (handle as NativeHandle).fd
}

/** Whether this Node.js lets itself be used so. Opens two sockets on loopback, and closes them. */
export function canBindHandles(): boolean {
  try {
    return (['TCP', 'UDP'] as const).every(protocol => {
      const { handle, close } = bindHandle({ protocol, address: '127.0.0.1', port: 0 })
      const canInherit = descriptorOf(handle) > 0
      close()
      return canInherit
    })
  } catch {
    return false
  }
}

function bindTcp(address: string, port: number): NativeHandle {
  const family = net.isIPv6(address) ? 6 : 4
  const create = (net as NetInternals)._createServerHandle
  if (create === undefined) throw new Error('this Node.js has no net._createServerHandle')
  const handle = create(address, port, family, -1, family === 6 ? IPV6_ONLY : 0)
  if (typeof handle === 'number') throw systemError(handle, 'bind')
  return handle
}

function bindUdp(address: string, port: number): NativeHandle {
  const handle = createUdpHandle()
  const isV6 = net.isIPv6(address)
  throwOnError(handle, isV6 ? handle.bind6(address, port, IPV6_ONLY) : handle.bind(address, port, 0), 'bind')
  return handle
}

/** dgram._createSocketHandle would do, but warns of itself on standard error. */
function createUdpHandle(): NativeHandle {
  const socket = dgram.createSocket('udp4')
  try {
    const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol')
    const state = (socket as unknown as Record<symbol, { handle?: NativeHandle } | undefined>)[symbol!]
    const Udp = state!.handle!.constructor as new () => NativeHandle
    return new Udp()
  } finally {
    socket.close()
  }
}

function throwOnError(handle: NativeHandle, result: number, call: string): void {
  if (result >= 0) return
  handle.close()
  throw systemError(result, call)
}

function systemError(result: number, call: string): Error {
  const [code = `error ${result}`] = Object.entries(constants.errno).find(([, errno]) => errno === -result) ?? []
  return Object.assign(new Error(`${call} ${code}`), { code, errno: result, syscall: call })
}
