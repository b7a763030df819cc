import { type Socket } from 'node:net'

/** Limits how many clients some ports have together. */
export class ClientLimit {
  readonly max: number
  #clients = 0

  constructor(max: number) {
    this.max = max
  }

  /** Whether the client is within the limit. It counts until its socket has closed. */
  admit(socket: Socket): boolean {
    if (this.#clients >= this.max) return false
    this.#clients++
    socket.once('close', () => this.#clients--)
    return true
  }
}
