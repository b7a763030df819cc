import { type Socket } from 'node:net'

/** Bounds how many clients some ports have together. Whoever comes too many is closed at once, and may come again. */
export class ClientLimit {
  readonly max: number
  #count = 0

  constructor(max: number) {
    this.max = max
  }

  /** Whether the client may stay; its place is free again when it has closed. */
  admit(socket: Socket): boolean {
    if (this.#count >= this.max) return false
    this.#count++
    socket.once('close', () => this.#count--)
    return true
  }
}
