import { type EndKind, type InspectStep, type InspectedConnection, type ListenerIdentity } from './inspect-request.js'

/** What a connection leaves behind. Times are milliseconds of the data plane's clock. */
export interface EndedConnection {
  readonly id: number
  readonly clientPort: number
  readonly openedAt: number
  readonly tries: number
}

/** Connections that a process remembers. */
const CAPACITY = 1000

/**
 * The last connections of a process that have ended. Every connection writes a few numbers and references into places that exist
 * already: nothing is allocated. A row is made only when a client of the status API asks.
 */
export class EndedConnections {
  readonly #listeners: (ListenerIdentity | undefined)[] = new Array<undefined>(CAPACITY).fill(undefined)
  readonly #clients: string[] = new Array<string>(CAPACITY).fill('')
  readonly #endpoints: string[] = new Array<string>(CAPACITY).fill('')
  readonly #ends: EndKind[] = new Array<EndKind>(CAPACITY).fill('closed')
  readonly #ids = new Float64Array(CAPACITY)
  readonly #ports = new Uint16Array(CAPACITY)
  readonly #tries = new Uint8Array(CAPACITY)
  readonly #openedAt = new Float64Array(CAPACITY)
  readonly #endedAt = new Float64Array(CAPACITY)
  /** NaN: not counted. */
  readonly #bytesToEndpoint = new Float64Array(CAPACITY)
  readonly #bytesToClient = new Float64Array(CAPACITY)
  #count = 0

  /** @param bytesToEndpoint NaN: not counted */
  add(
    listener: ListenerIdentity,
    connection: EndedConnection,
    client: string,
    endpoint: string,
    end: EndKind,
    now: number,
    bytesToEndpoint: number,
    bytesToClient: number,
  ): void {
    const place = this.#count++ % CAPACITY
    this.#listeners[place] = listener
    this.#clients[place] = client
    this.#endpoints[place] = endpoint
    this.#ends[place] = end
    this.#ids[place] = connection.id
    this.#ports[place] = connection.clientPort
    this.#tries[place] = connection.tries
    this.#openedAt[place] = connection.openedAt
    this.#endedAt[place] = now
    this.#bytesToEndpoint[place] = bytesToEndpoint
    this.#bytesToClient[place] = bytesToClient
  }

  /**
   * The connections, the last one first.
   * @param now milliseconds of the same clock
   * @param isWanted undefined is yielded for the others
   */
  *rows(now: number, isWanted: (listener: ListenerIdentity) => boolean): Generator<InspectStep<InspectedConnection>> {
    const count = this.#count
    // What ends while the caller does other work takes the places of the oldest ones.
    for (let index = count - 1; index >= Math.max(0, this.#count - CAPACITY); index--) {
      const place = index % CAPACITY
      const listener = this.#listeners[place]!
      if (!isWanted(listener)) {
        yield undefined
        continue
      }
      const bytesToEndpoint = this.#bytesToEndpoint[place]!
      yield {
        listener,
        id: this.#ids[place]!,
        client: this.#clients[place]!,
        clientPort: this.#ports[place]!,
        endpoint: this.#endpoints[place]!,
        openedMsAgo: now - this.#openedAt[place]!,
        endedMsAgo: now - this.#endedAt[place]!,
        end: this.#ends[place]!,
        tries: this.#tries[place]!,
        ...(Number.isNaN(bytesToEndpoint) ? {} : { bytesToEndpoint, bytesToClient: this.#bytesToClient[place]! }),
      }
    }
  }
}
