import dgram from 'node:dgram'
import net from 'node:net'
import { type ListenerSpec } from '../dataplane/listener-plan.js'
import { systemError } from '../dataplane/transport/socket-error.js'

/**
 * A socket that is bound, but neither accepts connections nor reads datagrams. This process can send it to another one, which
 * listens on it. The kernel keeps the socket open until the last copy is closed.
 */
export interface BoundHandle {
  readonly port: number
  /** A handle that `child_process` sends, and that a `net.Server` or `dgram.Socket` accepts. */
  readonly handle: object
  /** Closes this process's copy. */
  close(): void
}

/*
 * Node.js has no public way to bind without listening or reading. Only this file uses more than its public API. `canBindHandles`
 * tries that once; if it fails, workers bind their sockets themselves.
 */

/** The part of Node's own handle that this file uses. Methods return 0 or a negative error number. */
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
  // libuv reports a port that is in use only at the first call after bind().
  throwOnError(handle, handle.getsockname(name), 'getsockname')
  return { port: name.port!, handle, close: () => handle.close() }
}

/**
 * Checks that no other socket listens on the port, and closes its own socket again. It is synchronous, so that no client can
 * connect in between.
 * @returns the port
 * @throws as `bindHandle`
 */
export function probePort(spec: Pick<ListenerSpec, 'protocol' | 'address' | 'port'>): number {
  const { port, handle, close } = bindHandle(spec)
  // With SO_REUSEADDR, two sockets may be bound to one TCP port while neither listens.
  if (spec.protocol === 'TCP') throwOnError(handle as NativeHandle, (handle as NativeHandle).listen(1), 'listen')
  close()
  return port
}

/** The descriptor of a handle, for a process that inherits it. */
export function descriptorOf(handle: object): number {
  return (handle as NativeHandle).fd
}

/** Whether `bindHandle` works in this Node.js. Opens two sockets on loopback, and closes them. */
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
  if (create === undefined) throw new Error('This Node.js has no net._createServerHandle')
  const handle = create(address, port, family, -1, family === 6 ? IPV6_ONLY : 0)
  if (typeof handle === 'number') throw systemError('bind', handle)
  return handle
}

function bindUdp(address: string, port: number): NativeHandle {
  const handle = createUdpHandle()
  const isV6 = net.isIPv6(address)
  throwOnError(handle, isV6 ? handle.bind6(address, port, IPV6_ONLY) : handle.bind(address, port, 0), 'bind')
  return handle
}

/** dgram._createSocketHandle does the same, but prints a deprecation warning on standard error. */
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
  throw systemError(call, result)
}
