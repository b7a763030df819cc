import { randomInt } from './seeded-random.js'

/** Values that a field may have instead of the right one. A function makes each, since some are changed later. */
const NASTY: readonly (() => unknown)[] = [
  ...[null, '', ' ', 'x', '0', '-1', 'a'.repeat(300), 'ü', '\n', '*', '::', '0.0.0.0', '127.0.0.1', '10.96.0.10'].map(
    value => () => value,
  ),
  ...[0, -1, 1.5, 65_535, 65_536, 2 ** 31, 2 ** 53, 1e300, true, false].map(value => () => value),
  () => [],
  () => ({}),
  () => [null],
  () => [[]],
  () => ({ __proto__: null, x: 1 }),
  () => JSON.parse('{"__proto__": {"polluted": true}}') as unknown,
]

/** A copy of a JSON value in which some random parts are removed, doubled or replaced by wrong values. */
export function mutateValue(value: unknown, random: () => number): unknown {
  const copy = { root: structuredClone(value) }
  for (let edits = 1 + randomInt(random, 3); edits > 0; edits--) {
    const places = [...placesIn(copy)]
    const place = places[randomInt(random, places.length)]
    // Nothing is left of the value.
    if (place === undefined) return null
    const [parent, key] = place
    switch (randomInt(random, 4)) {
      case 0:
        if (Array.isArray(parent)) parent.splice(Number(key), 1)
        else delete parent[key]
        break
      case 1:
        if (Array.isArray(parent)) parent.push(structuredClone((parent as unknown[])[Number(key)]))
        else parent[`${key}2`] = parent[key]
        break
      default:
        Object.defineProperty(parent, key, {
          value: NASTY[randomInt(random, NASTY.length)]!(),
          writable: true,
          enumerable: true,
          configurable: true,
        })
    }
  }
  return copy.root
}

type Container = Record<string, unknown>

/** Every field and item in a value, with what contains it. */
function* placesIn(container: Container): Generator<readonly [Container, string]> {
  for (const [key, value] of Object.entries(container)) {
    yield [container, key]
    if (typeof value === 'object' && value !== null) yield* placesIn(value as Container)
  }
}
