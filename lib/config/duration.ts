/** Milliseconds of each unit. The micro sign and the Greek letter mu look alike, and Go accepts both. */
const UNITS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 0.001,
  '\u00b5s': 0.001,
  '\u03bcs': 0.001,
  ns: 0.000001,
}

/** Reads a Go duration (`250ms`, `1m30s`, `-1s`, `0`) as milliseconds; undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  const match = /^([-+]?)(.+)$/.exec(text.trim())
  if (match === null) return undefined
  const [, sign, rest] = match
  if (rest === '0') return 0
  if (!/^((\d+(\.\d*)?|\.\d+)(h|ms|m|s|us|\u00b5s|\u03bcs|ns))+$/.test(rest!)) return undefined
  let total = 0
  for (const [, value, , unit] of rest!.matchAll(/(\d+(\.\d*)?|\.\d+)(h|ms|m|s|us|\u00b5s|\u03bcs|ns)/g))
    total += Number(value) * UNITS[unit!]!
  return sign === '-' ? 0 - total : total
}
