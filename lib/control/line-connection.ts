import { type Socket, connect } from 'node:net'

/** The most characters that may wait to be read. Any process of the node can connect, and must not fill the memory. */
const MAX_UNREAD = 256

/** A conversation over a socket: one line of text is one message. */
export class LineConnection {
  /** Resolves when the socket is closed, in any way. */
  readonly closed: Promise<void>
  /** Resolves when the other side has accepted the connection (false) or there is no such address (true). */
  readonly hasFailed: Promise<boolean>
  readonly #socket: Socket
  #unread = ''
  #isOver = false
  #wake: () => void = () => undefined

  /**
   * Connects to a Unix socket. If that fails, the connection is over.
   * @param keepsAlive whether the process waits for it before it exits by itself
   */
  static to(address: string, keepsAlive: boolean): LineConnection {
    const socket = connect(address)
    if (!keepsAlive) socket.unref()
    return new LineConnection(socket)
  }

  constructor(socket: Socket) {
    this.#socket = socket
    this.closed = socket.closed ? Promise.resolve() : new Promise(resolve => socket.once('close', () => resolve()))
    this.hasFailed = this.#connecting()
    const onEnd = (): void => {
      this.#isOver = true
      this.#wake()
    }
    socket
      .setEncoding('utf8')
      .on('error', () => undefined)
      .on('data', text => this.#add(String(text)))
      .on('end', onEnd)
      // A socket that is destroyed has no `end`.
      .on('close', onEnd)
    if (socket.closed) onEnd()
  }

  /** The next line: undefined at the end, also if the connection has failed. Call it again when it has resolved. */
  async nextLine(): Promise<string | undefined> {
    for (;;) {
      const end = this.#unread.indexOf('\n')
      if (end >= 0) {
        const line = this.#unread.slice(0, end)
        this.#unread = this.#unread.slice(end + 1)
        return line
      }
      if (this.#isOver) return undefined
      await new Promise<void>(resolve => (this.#wake = resolve))
    }
  }

  /** Sends a line, if the other side can still get it. */
  send(line: string): void {
    if (this.#socket.writable) this.#socket.write(`${line}\n`)
  }

  /** Ends the conversation, with a last line. */
  end(line: string): void {
    this.#socket.end(`${line}\n`)
  }

  /** Ends it at once. */
  destroy(): void {
    this.#socket.destroy()
  }

  /** Ends it at once when the signal is aborted. @returns leaves it alone from now on */
  destroyWhen(signal: AbortSignal): () => void {
    const onAbort = (): void => this.destroy()
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort)
    return () => signal.removeEventListener('abort', onAbort)
  }

  #connecting(): Promise<boolean> {
    if (!this.#socket.connecting) return Promise.resolve(this.#socket.closed)
    return new Promise(resolve => {
      this.#socket.once('connect', () => resolve(false)).once('close', () => resolve(true))
    })
  }

  #add(text: string): void {
    this.#unread += text
    if (this.#unread.length > MAX_UNREAD) this.#socket.destroy()
    this.#wake()
  }
}
