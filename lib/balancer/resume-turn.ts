import { type BalancedEndpoint } from './balanced-endpoint.js'

/**
 * Where in a new list the turn is: with the endpoint whose turn it was, or, if that one is gone, with the first one after it
 * that stayed. A list that changes many times a second must not favour its head.
 *
 * @param turn where it was in the list before; it may be beyond its end, and then counts round
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
