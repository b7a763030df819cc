/** A flow in the LRU, which owns the links. */
export interface LruFlow {
  /** Milliseconds of the data plane's clock. */
  lastUsed: number
  older: LruFlow | undefined
  newer: LruFlow | undefined
  /** How long the flow may be idle, in milliseconds; may change while it lives. */
  readonly idleTimeout: number
  /** Ends the flow, which removes itself from the LRU. */
  end(): void
}

/**
 * All UDP flows of one process in the order of their last use, so that the longest idle one is found at once. A doubly linked
 * list through the flows themselves: a datagram moves its flow to the end without making an object.
 *
 *     oldest ⇄ flow ⇄ flow ⇄ newest
 */
export class FlowLru {
  readonly #capacity: number
  #size = 0
  #oldest: LruFlow | undefined
  #newest: LruFlow | undefined

  /** @param capacity the most flows; adding one more ends the longest idle one */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** How many flows there are. */
  get size(): number {
    return this.#size
  }

  /** Adds a new flow. @param now milliseconds of the data plane's clock */
  add(flow: LruFlow, now: number): void {
    if (this.#size >= this.#capacity) this.#oldest?.end()
    flow.lastUsed = now
    this.#append(flow)
    this.#size++
  }

  /** A flow is used now. @param now milliseconds of the data plane's clock */
  touch(flow: LruFlow, now: number): void {
    flow.lastUsed = now
    if (flow === this.#newest) return
    this.#unlink(flow)
    this.#append(flow)
  }

  /** Removes a flow that has ended. */
  remove(flow: LruFlow): void {
    this.#unlink(flow)
    this.#size--
  }

  /** Ends the longest idle flow to make room; false when there is none. */
  evictOldest(): boolean {
    if (this.#oldest === undefined) return false
    this.#oldest.end()
    return true
  }

  /**
   * Ends every flow that has been idle for its time-out.
   * @param now milliseconds of the data plane's clock
   * @param shortestTimeout the shortest time-out of all flows, in milliseconds; the loop stops at the first flow that is younger
   */
  expireIdle(now: number, shortestTimeout: number): void {
    for (let flow = this.#oldest; flow !== undefined && now - flow.lastUsed >= shortestTimeout;) {
      const { newer } = flow
      if (now - flow.lastUsed >= flow.idleTimeout) flow.end()
      flow = newer
    }
  }

  #append(flow: LruFlow): void {
    flow.older = this.#newest
    flow.newer = undefined
    if (this.#newest === undefined) this.#oldest = flow
    else this.#newest.newer = flow
    this.#newest = flow
  }

  #unlink(flow: LruFlow): void {
    if (flow.older === undefined) this.#oldest = flow.newer
    else flow.older.newer = flow.newer
    if (flow.newer === undefined) this.#newest = flow.older
    else flow.newer.older = flow.older
  }
}
