import { type BalancedEndpoint } from './balanced-endpoint.js'

/** Endpoints that take turns, in the order of their list. Some of them may be no candidates for a while. */
export class Turns {
  #list: readonly BalancedEndpoint[] = []
  #candidates = this.#list
  /** The place in the list of the endpoint whose turn is next; beyond the end it starts again from the beginning. */
  #next: number

  /**
   * @param start the place of the first turn in the first list. Use a random one, so that the nodes of a cluster do not all start
   *   with the same Pod. kube-proxy shuffles the list instead; a random start keeps the order readable.
   */
  constructor(start: number) {
    this.#next = start
  }

  /** The endpoints that may be picked, in the order of the list. */
  get candidates(): readonly BalancedEndpoint[] {
    return this.#candidates
  }

  /** The index of the candidate whose turn is next. Not for use without candidates. */
  get first(): number {
    const next = this.#next % this.#list.length
    return this.#candidates === this.#list ? next : findPlace(this.#candidates, next) % this.#candidates.length
  }

  /** It was this endpoint's turn. */
  take({ place }: BalancedEndpoint): void {
    this.#next = place + 1
  }

  /** Takes the whole new list. All of them are candidates; the turn stays with its endpoint. */
  replace(endpoints: readonly BalancedEndpoint[]): void {
    for (const [place, endpoint] of endpoints.entries()) endpoint.place = place
    this.#next = resumeTurn(endpoints, this.#list, this.#next)
    this.#list = endpoints
    this.#candidates = endpoints
  }

  /** @param candidates some of the list, in its order */
  narrow(candidates: readonly BalancedEndpoint[]): void {
    this.#candidates = candidates
  }
}

/** The index of the first endpoint with this place or a later one; the length if there is none. */
function findPlace(endpoints: readonly BalancedEndpoint[], place: number): number {
  let low = 0
  let high = endpoints.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (endpoints[middle]!.place < place) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * The place of the next turn in a new list: that of the same endpoint, or, if it is gone, of the first one after it that stayed.
 * Without this, a list that changes many times a second would favour its first endpoints.
 */
function resumeTurn(after: readonly BalancedEndpoint[], before: readonly BalancedEndpoint[], turn: number): number {
  const count = before.length
  if (count === 0) return turn
  const stayed = new Set(after)
  const first = turn % count
  for (let step = 0; step < count; step++) {
    const endpoint = before[(first + step) % count]!
    if (stayed.has(endpoint)) return endpoint.place
  }
  return turn
}
