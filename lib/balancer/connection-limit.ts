/** How many connections, or UDP flows, there may be at a time; undefined: as many as come. */
export interface ConnectionLimits {
  readonly perService: number | undefined
  readonly perClient: number | undefined
}

/** Which limit turned a client away. */
export type ReachedLimit = 'service-limit' | 'client-limit'

/**
 * The open connections of one Service, counted by client (IP address), and whether there may be one more. The newest is
 * turned away; what is open stays, also when a limit is lowered below it.
 */
export class ConnectionLimit {
  limits: ConnectionLimits
  #open = 0
  readonly #byClient = new Map<string, number>()

  constructor(limits: ConnectionLimits) {
    this.limits = limits
  }

  /** The limit that keeps this client from one more connection; the client's own is named first, for it is to blame. */
  check(client: string): ReachedLimit | undefined {
    const { perService, perClient } = this.limits
    if (perClient !== undefined && (this.#byClient.get(client) ?? 0) >= perClient) return 'client-limit'
    return perService !== undefined && this.#open >= perService ? 'service-limit' : undefined
  }

  add(client: string): void {
    this.#open++
    this.#byClient.set(client, (this.#byClient.get(client) ?? 0) + 1)
  }

  remove(client: string): void {
    const count = this.#byClient.get(client)
    if (count === undefined) return
    this.#open--
    if (count === 1) this.#byClient.delete(client)
    else this.#byClient.set(client, count - 1)
  }
}
