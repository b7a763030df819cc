import { escapeControls } from './escape-controls.js'
import { shorten } from './shorten.js'

const MAX_LENGTH = 200

/** A value that a person gave, for a message about it: as JSON, without control characters, and only its start if it is long. */
export function quoteValue(value: unknown): string {
  return escapeControls(shorten(JSON.stringify(value) ?? String(value), MAX_LENGTH))
}
