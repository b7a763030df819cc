import { Counted, CountRanking } from '../../primitives/count-ranking.js'

/** A connection or flow in HeldByClient, which owns all fields. */
export interface Held {
  /** Undefined: it is in no HeldByClient. */
  holding: ClientHolding | undefined
  older: Held | undefined
  newer: Held | undefined
}

/** What one client has, in the order of the last use. */
export class ClientHolding extends Counted {
  readonly client: string
  oldest: Held | undefined
  newest: Held | undefined

  constructor(client: string) {
    super()
    this.client = client
  }
}

/**
 * The connections or flows of one Service by client, so that the client with the most is found at once, and of its own the one
 * that was not used for the longest time. Nothing here depends on how many there are.
 */
export class HeldByClient<Item extends Held> {
  readonly #holdings = new Map<string, ClientHolding>()
  readonly #ranking = new CountRanking<ClientHolding>()

  /** Adds an item of a client, as the one that was used last. */
  add(item: Item, client: string): void {
    let holding = this.#holdings.get(client)
    if (holding === undefined) this.#holdings.set(client, (holding = new ClientHolding(client)))
    item.holding = holding
    append(holding, item)
    this.#ranking.increment(holding)
  }

  /** Removes an item, if it is here. */
  remove(item: Item): void {
    const { holding } = item
    if (holding === undefined) return
    item.holding = undefined
    unlink(holding, item)
    this.#ranking.decrement(holding)
    if (holding.count === 0) this.#holdings.delete(holding.client)
  }

  /** The item is used now. */
  touch(item: Item): void {
    const holding = item.holding!
    if (holding.newest !== item) {
      unlink(holding, item)
      append(holding, item)
    }
    this.#ranking.touch(holding)
  }

  /** How many a client has. */
  countOf(client: string): number {
    return this.#holdings.get(client)?.count ?? 0
  }

  /** Of a client, the item that was not used for the longest time. */
  oldestOf(client: string): Item | undefined {
    return this.#holdings.get(client)?.oldest as Item | undefined
  }

  /** How many the client with the most has. */
  get mostOfOneClient(): number {
    return this.#ranking.first?.count ?? 0
  }

  /** The clients that have the most; of those with the same number, the one that was idle longest first. */
  greediestClients(limit: number): ClientHolding[] {
    return this.#ranking.top(limit)
  }

  /** Of the client that has the most, the item that was not used for the longest time. */
  get firstToEnd(): Item | undefined {
    return this.#ranking.first?.oldest as Item | undefined
  }

  /** The items of each client, those that were not used for the longest time first, as long as `isWanted` says so. An item may leave meanwhile. */
  forEachOldest(isWanted: (item: Item) => boolean, action: (item: Item) => void): void {
    for (const holding of this.#holdings.values()) {
      for (let item = holding.oldest as Item | undefined; item !== undefined && isWanted(item);) {
        const newer = item.newer as Item | undefined
        action(item)
        item = newer
      }
    }
  }
}

function append(holding: ClientHolding, item: Held): void {
  item.older = holding.newest
  item.newer = undefined
  if (holding.newest === undefined) holding.oldest = item
  else holding.newest.newer = item
  holding.newest = item
}

function unlink(holding: ClientHolding, item: Held): void {
  if (item.older === undefined) holding.oldest = item.newer
  else item.older.newer = item.newer
  if (item.newer === undefined) holding.newest = item.older
  else item.newer.older = item.older
}
