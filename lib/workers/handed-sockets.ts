import { type BoundHandles } from '../dataplane/listener.js'
import { type ServicePortKey } from '../model/service-port.js'

/** Copies of sockets that were handed to this process and are not listened on yet. */
export class HandedSockets implements BoundHandles {
  readonly #handles = new Map<ServicePortKey, { close?: () => void }>()

  put(key: ServicePortKey, handle: object): void {
    // A copy that nobody came for would keep the port open for ever.
    this.#handles.get(key)?.close?.()
    this.#handles.set(key, handle)
  }

  take(key: ServicePortKey): object | undefined {
    const handle = this.#handles.get(key)
    this.#handles.delete(key)
    return handle
  }
}
