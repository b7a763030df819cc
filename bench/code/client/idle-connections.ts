import { once } from 'node:events'
import { type Socket, connect } from 'node:net'

const REQUEST = 'GET / HTTP/1.1\r\nHost: bench\r\n\r\n'
/** Number of connections to open at a time, so that no queue overflows. */
const PARALLEL_OPENS = 50

/** Idle connections that reach a Pod, as one answer on each has proven. */
export class IdleConnections {
  #sockets: Socket[] = []

  /** @throws Error if one of them gets no answer */
  async open(ip: string, port: number, count: number): Promise<void> {
    let left = count
    const openInTurn = async (): Promise<void> => {
      while (left-- > 0) {
        const socket = connect({ host: ip, port, noDelay: true })
        this.#sockets.push(socket)
        socket.write(REQUEST)
        await once(socket, 'data', { signal: AbortSignal.timeout(10_000) })
        socket.resume()
      }
    }
    await Promise.all(Array.from({ length: PARALLEL_OPENS }, openInTurn))
    const open = this.#sockets.filter(socket => !socket.destroyed && socket.readyState === 'open').length
    if (open !== this.#sockets.length)
      throw new Error(`Only ${open} of ${this.#sockets.length} connections stayed open`)
  }

  async close(): Promise<void> {
    const open = this.#sockets.filter(({ destroyed }) => !destroyed)
    const closed = open.map(socket => once(socket, 'close'))
    for (const socket of open) socket.end()
    this.#sockets = []
    await Promise.all(closed)
  }
}
