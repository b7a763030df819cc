const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '"': '\\"',
    '\\': '\\\\',
    '\x07': '\\a',
    '\b': '\\b',
    '\f': '\\f',
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
    '\v': '\\v',
  }),
)

/** Quote, backslash and all characters that Go's unicode.IsPrint rejects. The only printable space is U+0020. */
const NEEDS_ESCAPE = /["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu

/**
 * Quotes text as Go's `%q` does, as klog prints strings. Names and error texts come from the API and from other programs. No
 * newline, terminal sequence or text direction mark in them may forge or hide a log line.
 */
export function goQuote(text: string): string {
  return `"${text.replace(NEEDS_ESCAPE, escapeCharacter)}"`
}

function escapeCharacter(character: string): string {
  const short = SHORT_ESCAPES.get(character)
  if (short !== undefined) return short
  const code = character.codePointAt(0)!
  if (code < 0x80) return `\\x${hex(code, 2)}`
  // Half of a surrogate pair is not a character. Go prints U+FFFD for invalid characters.
  if (code >= 0xd800 && code <= 0xdfff) return '\\ufffd'
  return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0')
}
