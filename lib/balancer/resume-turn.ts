import { type BalancedEndpoint } from './balanced-endpoint.js'

/**
 * The index of the next turn in a new list: that of the same endpoint, or, if it is gone, of the first one after it that stayed.
 * Without this, a list that changes many times a second would favour its first endpoints.
 *
 * @param turn the index in the list before; beyond its end it starts again from the beginning
 */
export function resumeTurn(
  after: readonly BalancedEndpoint[],
  before: readonly BalancedEndpoint[],
  turn: number,
): number {
  const count = before.length
  if (count === 0) return turn
  const places = new Map(after.map((endpoint, index) => [endpoint, index]))
  const first = turn % count
  for (let step = 0; step < count; step++) {
    const place = places.get(before[(first + step) % count]!)
    if (place !== undefined) return place
  }
  return turn
}
