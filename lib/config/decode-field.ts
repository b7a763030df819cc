import { parseDuration } from './duration.js'
import { type Option } from './option.js'
import { type SettingValue } from './settings.js'

/** The value of a field, or what was expected in its place. */
export type DecodedField = { readonly value: SettingValue } | { readonly expected: string }

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

/** kube-proxy 1.9 wrote `A=true,B=false`, newer ones write a map. */
function decodeMap(value: unknown): DecodedField | undefined {
  if (typeof value === 'string') return { value: [value] }
  const expected = { expected: 'a map from names to true or false' }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return expected
  const entries = Object.entries(value)
  if (entries.length === 0) return undefined
  if (entries.some(([, entry]) => typeof entry !== 'boolean' && typeof entry !== 'string')) return expected
  return { value: entries.map(([name, entry]) => `${name}=${String(entry)}`) }
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
