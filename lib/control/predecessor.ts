import { type LineConnection } from './line-connection.js'

/** A proxy that has given way to this one. */
export class Predecessor {
  /** Resolves when it has ended, or after `release`. */
  readonly ended: Promise<void>
  /** Resolves when it has released the ports of health checks and metrics, or has ended. */
  readonly released: Promise<void>
  readonly #connection: LineConnection
  #isAnnounced = false

  /** @param connection on which it has agreed; see `HandOverServer` */
  constructor(connection: LineConnection) {
    this.#connection = connection
    this.ended = connection.closed
    this.released = this.#waitForRelease()
  }

  /** Reports that the rules of this proxy are in the kernel. */
  announceServing(): void {
    if (!this.#isAnnounced) this.#connection.send('serving')
    this.#isAnnounced = true
  }

  /** Lets it serve again: this proxy is about to end. */
  release(): void {
    this.#connection.end('leaving')
  }

  /** Closes the connection without a word. */
  disconnect(): void {
    this.#connection.destroy()
  }

  async #waitForRelease(): Promise<void> {
    for (let line: string | undefined = ''; line !== 'released' && line !== undefined;)
      line = await this.#connection.nextLine()
  }
}
