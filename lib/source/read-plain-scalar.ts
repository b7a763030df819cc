import { parseInteger } from '../primitives/parse-integer.js'

/** Plain texts with a meaning of their own in YAML 1.1, as kubectl reads them. */
const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map(word => [word, true] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map(word => [word, false] as const),
  ...['', '~', 'null', 'Null', 'NULL'].map(word => [word, null] as const),
])
const NOT_FINITE = /^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$/
const FLOAT = /^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/

/**
 * The value of a plain (unquoted) scalar, as kubectl reads it (sigs.k8s.io/yaml): YAML 1.1, but dates and numbers with colons are text.
 * So `yes` is true, and `0120` is 80; `0189` is no octal number and counts as decimal.
 *
 * @throws Error for a number that JSON cannot express
 */
export function readPlainScalar(text: string): string | number | boolean | null {
  const word = WORDS.get(text)
  if (word !== undefined) return word
  if (NOT_FINITE.test(text)) throw new Error(`${text} is not a number that an object may have`)
  if (!/^[-+.\d]/.test(text)) return text
  // In a text that starts with a dot, underscores are part of the text.
  const digits = text.startsWith('.') ? text : text.replaceAll('_', '')
  const integer = parseInteger(digits)
  if (integer !== undefined) return integer
  const number = FLOAT.test(digits) ? Number(digits) : Number.NaN
  return Number.isFinite(number) ? (number === 0 ? 0 : number) : text
}
