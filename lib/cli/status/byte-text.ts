const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** A number of bytes with three digits: `512B`, `1.5kB`, `23MB`. */
export function byteText(bytes: number): string {
  let [amount, unit] = [bytes, 0]
  while (amount >= 1000 && unit < UNITS.length - 1) [amount, unit] = [amount / 1000, unit + 1]
  return `${unit === 0 || amount >= 10 ? Math.round(amount) : amount.toFixed(1)}${UNITS[unit]}`
}
