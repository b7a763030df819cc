/** Random numbers from 0 to below 1 from a seed, so that a failure can be repeated (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** So that a run of the tests finds the same as the run before, unless the code differs. */
const DEFAULT_SEED = 20_260

/**
 * The seed of a run: from the environment (`SEED=123`), else always the same one. `SEED=random` takes a new one. Print it in the name of
 * the test.
 */
export function testSeed(): number {
  const given = process.env['SEED']
  if (given === 'random') return Math.floor(Math.random() * 2 ** 31) + 1
  const number = Number(given)
  return Number.isInteger(number) && number > 0 ? number : DEFAULT_SEED
}

/** A whole number from 0 to below `count`. */
export function randomInt(random: () => number, count: number): number {
  return Math.floor(random() * count)
}
