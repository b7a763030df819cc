/** The start of a text of someone else, for a message. @param most characters that it may have */
export function shorten(text: string, most = 500): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`
}
