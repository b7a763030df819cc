import { type BindOptions, type Socket, createSocket } from 'node:dgram'
import { type IpAddress, familyOf } from '../model/address.js'
import { type BoundSocket } from './bound-socket.js'

/**
 * A UDP socket of the address's family that never asks DNS: addresses here are always numbers, and the default look-up
 * would put off every first send to a later turn of the event loop.
 */
export function udpSocket(address: IpAddress): Socket {
  const family = familyOf(address)
  return createSocket({
    type: family === 'IPv4' ? 'udp4' : 'udp6',
    ipv6Only: family === 'IPv6',
    lookup: (host, _options, done) => done(null, host, family === 'IPv4' ? 4 : 6),
  })
}

/**
 * Has a socket receive through one that was bound by another process. Node takes a bare handle in place of the options, as
 * `child_process` needs it, though its documentation does not say so.
 */
export function bindTo(socket: Socket, bound: BoundSocket, onListening: () => void): void {
  const options = 'fd' in bound ? { fd: bound.fd, exclusive: true } : bound._handle
  socket.bind(options as BindOptions, onListening)
}
