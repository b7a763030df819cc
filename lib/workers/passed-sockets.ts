import { closeSync } from 'node:fs'
import { type BoundSockets } from '../dataplane/listener-context.js'
import { type BoundSocket } from '../dataplane/transport/bind-options.js'
import { type ServicePortKey } from '../model/service-port.js'

/** The first inherited descriptor, after standard input, output, error and the channel to the control process. */
const FIRST_INHERITED_FD = 4

/** Sockets that this process has inherited or received by message, and that no listener uses yet. */
export class PassedSockets implements BoundSockets {
  readonly #sockets = new Map<ServicePortKey, BoundSocket>()

  /** Registers the descriptors that this process has inherited, in this order. */
  inherit(keys: readonly ServicePortKey[]): void {
    for (const [index, key] of keys.entries()) this.#sockets.set(key, { fd: FIRST_INHERITED_FD + index })
  }

  /** Registers a socket that came with a message. */
  add(key: ServicePortKey, handle: object): void {
    const before = this.#sockets.get(key)
    if (before !== undefined) closeSocket(before)
    this.#sockets.set(key, { _handle: handle })
  }

  /** Returns the socket of a listener, which must close it. */
  take(key: ServicePortKey): BoundSocket | undefined {
    const socket = this.#sockets.get(key)
    this.#sockets.delete(key)
    return socket
  }

  /** Closes the sockets that no listener has taken, because each copy keeps the port open. */
  closeUnused(): void {
    for (const socket of this.#sockets.values()) closeSocket(socket)
    this.#sockets.clear()
  }
}

function closeSocket(socket: BoundSocket): void {
  if ('fd' in socket) closeSync(socket.fd)
  else (socket._handle as { close?: () => void }).close?.()
}
