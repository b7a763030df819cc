/** The most characters of a quoted value. */
const MAX_LENGTH = 200
/** Control characters, directions, line separators and halves of characters; not the newline. */
const CONTROL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** A value that a person gave, for a message about it: as JSON, without control characters, and only its start if it is long. */
export function quoteValue(value: unknown): string {
  return escapeControls(shorten(JSON.stringify(value) ?? String(value), MAX_LENGTH))
}

/** The start of a text that others wrote, for a message. @param most characters that it may have */
export function shorten(text: string, most = 500): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`
}

/** A text for a terminal. What others wrote may contain sequences that colour, move or hide other text; they become visible. */
export function escapeControls(text: string): string {
  return text.replace(CONTROL, character =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
