/** A flow as the order sees it; the links are the order's own. */
export interface LruFlow {
  /** Milliseconds of the data plane's clock. */
  lastUsed: number
  older: LruFlow | undefined
  newer: LruFlow | undefined
  /** How long it may be idle, in milliseconds; may change while it lives. */
  readonly idleTimeout: number
  /** Ends the flow; it takes itself out of the order. */
  end(): void
}

/**
 * All UDP flows of one process in the order of their last use, so that the longest idle one is always at hand. A doubly
 * linked list through the flows themselves: a datagram moves its flow to the end without making any object.
 *
 *     oldest ⇄ flow ⇄ flow ⇄ newest
 */
export class FlowLru {
  readonly #capacity: number
  #size = 0
  #oldest: LruFlow | undefined
  #newest: LruFlow | undefined

  /** @param capacity how many flows there may be; to add one more ends the one that has been idle longest. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#size
  }

  add(flow: LruFlow, now: number): void {
    if (this.#size >= this.#capacity) this.#oldest?.end()
    flow.lastUsed = now
    this.#append(flow)
    this.#size++
  }

  touch(flow: LruFlow, now: number): void {
    flow.lastUsed = now
    if (flow === this.#newest) return
    this.#unlink(flow)
    this.#append(flow)
  }

  remove(flow: LruFlow): void {
    this.#unlink(flow)
    this.#size--
  }

  /** Ends one flow to make room, the longest idle one; false when there is none. */
  evictOldest(): boolean {
    if (this.#oldest === undefined) return false
    this.#oldest.end()
    return true
  }

  /**
   * Ends every flow that has been idle for its limit.
   * @param shortestLimit no flow has a shorter limit than this; lets the walk stop early.
   */
  expireIdle(now: number, shortestLimit: number): void {
    for (let flow = this.#oldest; flow !== undefined && now - flow.lastUsed >= shortestLimit;) {
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
