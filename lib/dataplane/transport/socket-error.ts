import { constants } from 'node:os'
import { getSystemErrorName } from 'node:util'
import { systemCode } from '../../model/failure.js'
import { type SocketAddress } from './upstream-sockets.js'

/** Errors of a machine that has run out of something. */
const LOCAL_RESOURCE_ERRORS = new Set([
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'EADDRINUSE',
  'EADDRNOTAVAIL',
  'EAGAIN',
])

/** Whether this machine causes a socket error. The client or the Pod causes all others, which are no reason for an error in the log. */
export function isLocalResourceError(error: unknown): boolean {
  const code = systemCode(error)
  return code !== undefined && LOCAL_RESOURCE_ERRORS.has(code)
}

/** Whether a socket error means that this process, or the machine, has no descriptors left. */
export function isOutOfDescriptors(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'EMFILE' || code === 'ENFILE'
}

/**
 * Whether the kernel has no free source port for a connection to this endpoint (or no source address). It counts ports for each
 * endpoint by itself, so another endpoint may have some.
 */
export function isOutOfSourcePorts(error: unknown): boolean {
  return systemCode(error) === 'EADDRNOTAVAIL'
}

/** Whether the kernel has no free source port for a UDP socket to any endpoint. Node.js binds such a socket before it connects. */
export function isOutOfUdpPorts(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'EADDRINUSE' || code === 'EAGAIN'
}

/** The error that Node.js makes of a failed system call. @param status the negative number that libuv returned */
export function systemError(call: string, status: number): Error {
  const code = getSystemErrorName(status)
  return Object.assign(new Error(`${call} ${code}`), { code, errno: status, syscall: call })
}

/**
 * The error of a socket that the kernel has connected to itself; undefined: it has not. For a socket without a port it may choose the
 * very port that the socket connects to, if that is an address of this node and nothing listens there.
 * @param local what the kernel has chosen
 */
export function ownSocketError(local: SocketAddress, remote: SocketAddress): Error | undefined {
  if (local.port !== remote.port || local.ip !== remote.ip) return undefined
  return systemError('connect', -constants.errno.ECONNREFUSED)
}

/** The error of a connection that the kernel has dropped while the proxy did not read from it. */
export function goneError(): Error {
  return new Error('the peer has reset the connection, or does not answer keep-alives')
}
