/** Control characters, directions, line separators and halves of characters; not the newline. */
const CONTROL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** A text for a terminal. What others wrote may contain sequences that colour, move or hide other text; they become visible. */
export function escapeControls(text: string): string {
  return text.replace(CONTROL, character =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
