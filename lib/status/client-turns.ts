import { type Socket } from 'node:net'
import { SerialQueue } from '../primitives/serial-queue.js'

/** Requests of one client that may wait for the answer to an earlier one. */
const MAX_WAITING = 16

/** Answers one request of a client after the other, although it may send the next ones without reading. */
export class ClientTurns {
  readonly #clients = new WeakMap<Socket, { readonly queue: SerialQueue; waiting: number }>()

  /** Runs the task when those of earlier requests have ended. A client with too many requests is disconnected. */
  async run(socket: Socket, task: () => Promise<void>): Promise<void> {
    const client = this.#clients.get(socket) ?? { queue: new SerialQueue(), waiting: 0 }
    this.#clients.set(socket, client)
    if (client.waiting >= MAX_WAITING) return void socket.destroy()
    client.waiting++
    await client.queue.run(() => {
      client.waiting--
      return socket.destroyed ? undefined : task()
    })
  }
}
