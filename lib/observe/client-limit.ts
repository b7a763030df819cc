import { type Socket } from 'node:net'

/** Bounds how many clients some ports have together. Whoever comes too many is closed at once, and may come again. */
export class ClientLimit {
  readonly max: number
  #clients = 0

  constructor(max: number) {
    this.max = max
  }

  /** Whether the client may stay; its place is free again when it has closed. */
  admit(socket: Socket): boolean {
    if (this.#clients >= this.max) return false
    this.#clients++
    socket.once('close', () => this.#clients--)
    return true
  }
}
