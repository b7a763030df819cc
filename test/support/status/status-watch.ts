import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'
import { type TeardownScope } from '../nodes/node-network.js'

type EventData = Readonly<Record<string, unknown>>

/** A client of `/v1/events`. */
export class StatusWatch {
  readonly #lines: AsyncIterator<string>

  static async open(t: TeardownScope, socketPath: string): Promise<StatusWatch> {
    const sent = request({ socketPath, path: '/v1/events', agent: false }).end()
    t.teardown(() => sent.destroy())
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    return new StatusWatch(response)
  }

  private constructor(response: IncomingMessage) {
    response.on('error', () => undefined)
    this.#lines = createInterface({ input: response })[Symbol.asyncIterator]()
  }

  /** The data of the next event of that name that is wanted. */
  async next(name: string, isWanted: (data: EventData) => boolean): Promise<EventData> {
    for (let event = ''; ;) {
      const { value, done } = await this.#lines.next()
      if (done === true) throw new Error('The stream has ended')
      if (value.startsWith('event: ')) event = value.slice('event: '.length)
      if (!value.startsWith('data: ') || event !== name) continue
      const data = JSON.parse(value.slice('data: '.length)) as EventData
      if (isWanted(data)) return data
    }
  }
}
