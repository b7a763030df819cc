import { type Socket } from 'node:net'

/** Resolves when a socket is closed, in any way: `once` of node:events would reject if the other side has reset the connection. */
export function socketClosed(socket: Socket): Promise<void> {
  return socket.closed ? Promise.resolve() : new Promise(resolve => socket.once('close', () => resolve()))
}
