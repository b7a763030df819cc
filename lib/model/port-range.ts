/** Port numbers from `first` to `last`, both included. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

/**
 * Reads kube-proxy's notations of a port range: `N`, `A-B`, `A+offset`. Empty, `0` and `0-0` mean that the kernel
 * chooses, and give undefined.
 * @returns a text when the range is invalid: what is wrong with it
 */
export function parsePortRange(text: string): PortRange | undefined | string {
  const trimmed = text.trim()
  if (trimmed === '') return undefined
  const match = /^(\d+)(?:([-+])(\d+))?$/.exec(trimmed)
  if (match === null) return 'expected "N", "A-B" or "A+offset"'
  const first = Number(match[1])
  const last = match[2] === undefined ? first : match[2] === '-' ? Number(match[3]) : first + Number(match[3])
  if (last > 65535) return `the range ends at ${last}, above 65535`
  if (last < first) return `the range ends at ${last}, below its start ${first}`
  if (first === 0) return last === 0 ? undefined : 'the range starts at 0, which is not a port'
  return { first, last }
}
