/** The most connections, or UDP flows, at a time; undefined: no limit. */
export interface ConnectionLimits {
  readonly perService: number | undefined
  readonly perClient: number | undefined
}

/** The limit that a client has reached. */
export type ReachedLimit = 'service-limit' | 'client-limit'

/**
 * Counts the open connections of one Service by client (IP address), and decides whether one more may open. Only new connections
 * are refused: open ones stay, even when a limit is lowered below their number.
 */
export class ConnectionLimit {
  limits: ConnectionLimits
  #open = 0
  readonly #byClient = new Map<string, number>()

  constructor(limits: ConnectionLimits) {
    this.limits = limits
  }

  /** The limit that does not allow one more connection of this client. The client's own limit comes first: it names the cause. */
  check(client: string): ReachedLimit | undefined {
    const { perService, perClient } = this.limits
    if (perClient !== undefined && (this.#byClient.get(client) ?? 0) >= perClient) return 'client-limit'
    return perService !== undefined && this.#open >= perService ? 'service-limit' : undefined
  }

  /** Counts a connection that opens, without a check. */
  add(client: string): void {
    this.#open++
    this.#byClient.set(client, (this.#byClient.get(client) ?? 0) + 1)
  }

  /** A connection of the client has ended. */
  remove(client: string): void {
    const count = this.#byClient.get(client)
    if (count === undefined) return
    this.#open--
    if (count === 1) this.#byClient.delete(client)
    else this.#byClient.set(client, count - 1)
  }
}
