import { parseDuration } from './duration.js'
import { type Option } from './option.js'
import { parseBool } from './parse-bool.js'
import { type SettingValue } from './settings.js'

/** The value of a field, or what was expected in its place. */
export type DecodedField =
  { readonly value: SettingValue; readonly ignored?: IgnoredPart } | { readonly expected: string }

/** A part of a field that is wrong and never fatal. */
export interface IgnoredPart {
  readonly value: unknown
  readonly expected: string
}

/**
 * The value of a field in the notation of its flag, so that both are checked alike.
 * @returns undefined if the field is as good as absent: null, an empty text, or a 0 that means the default
 */
export function decodeField(option: Option, value: unknown): DecodedField | undefined {
  if (value === null || value === undefined || value === '') return undefined
  switch (option.kind) {
    case 'switch':
      return typeof value === 'boolean' || typeof value === 'string' ? { value } : { expected: 'true or false' }
    case 'list':
      return decodeList(value)
    case 'map':
      return decodeMap(value)
    case 'any':
      return isEmpty(value) ? undefined : { value: JSON.stringify(value) }
    case 'text':
    case 'number':
    case 'duration': {
      const text = scalarText(value)
      if (text === undefined)
        return { expected: { text: 'text', number: 'a number', duration: 'a duration such as 30s' }[option.kind] }
      return option.zeroIsDefault === true && isZero(text) ? undefined : { value: text }
    }
  }
}

function decodeList(value: unknown): DecodedField | undefined {
  if (!Array.isArray(value)) return { expected: 'a list' }
  const texts = value.map(scalarText)
  if (texts.length === 0) return undefined
  return texts.includes(undefined) ? { expected: 'a list of texts' } : { value: texts as readonly string[] }
}

/**
 * kube-proxy 1.9 wrote `A=true,B=false`, newer ones write a map. Both are full of gates of other programs, so that a wrong one must not
 * keep the proxy from its start.
 */
function decodeMap(value: unknown): DecodedField | undefined {
  if (typeof value === 'string') return { value: [value] }
  const expected = 'a map from names to true or false'
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { value: [], ignored: { value, expected } }
  const entries = Object.entries(value).filter(([, entry]) => entry !== null && entry !== '')
  if (entries.length === 0) return undefined
  const [switches, others] = [entries.filter(isSwitch), entries.filter(entry => !isSwitch(entry))]
  return {
    value: switches.map(([name, entry]) => `${name}=${String(entry)}`),
    ...(others.length > 0 && { ignored: { value: Object.fromEntries(others), expected } }),
  }
}

function isSwitch([, value]: readonly [string, unknown]): boolean {
  return typeof value === 'boolean' || (typeof value === 'string' && parseBool(value) !== undefined)
}

/** A number where others write a text, such as 0 for a duration or 8080 for a range, means that text. */
function scalarText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined
}

function isZero(text: string): boolean {
  return Number(text) === 0 || parseDuration(text) === 0
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
