import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage } from 'node:http'
import { type StatusStream } from '../../../lib/status/status-responder.js'

const CHUNK = `data: ${'x'.repeat(100_000)}\n\n`
/** More than any kernel holds for one socket. */
const MUCH = 500_000_000

/** Writes to its viewer for as long as that one stays, or until it has written much. */
export class EndlessStream {
  #written = 0
  #end: () => void = () => undefined
  readonly #ended = new Promise<void>(resolve => (this.#end = resolve))

  readonly stream: StatusStream = (_search, write) => {
    const timer = setInterval(() => {
      for (let count = 0; count < 10 && this.#written < MUCH; count++, this.#written += CHUNK.length) write(CHUNK)
      if (this.#written >= MUCH) this.#end()
    }, 1)
    return () => {
      clearInterval(timer)
      this.#end()
    }
  }

  /** Whether a viewer that asks and does not read is disconnected before much was written for it. */
  async disconnects(asked: ClientRequest): Promise<boolean> {
    asked.on('error', () => undefined).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    response.on('error', () => undefined)
    response.pause()
    await this.#ended
    return this.#written < MUCH
  }
}
