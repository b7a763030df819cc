import { MAX_DEPTH } from './yaml-value.js'

/** A part of a text. */
export interface TextPart {
  readonly text: string
  /** The number of its first line in the whole text. */
  readonly firstLine: number
}

/** A whole line that starts a YAML document. */
const DOCUMENT_START = /^---(?=[ \t\r]|$)/gm

const [TAB, NEWLINE, RETURN, SPACE, QUOTE, OPEN_BRACKET, BACKSLASH, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [
  ...'\t\n\r "[\\]{}',
].map(char => char.charCodeAt(0))

/**
 * Cuts a text before each line `---`, as kubectl does before it parses, so that a mistake in one document does not hide the others.
 * Parts without a document are left out.
 */
export function splitYaml(text: string): TextPart[] {
  const withoutMark = text.startsWith('\ufeff') ? text.slice(1) : text
  const starts = [0, ...[...withoutMark.matchAll(DOCUMENT_START)].map(({ index }) => index).filter(index => index > 0)]
  return cut(withoutMark, starts, 1).filter(part => !isWithoutDocument(part.text))
}

/**
 * Cuts a part into the JSON values that stand one after the other in it, with nothing but space between. The last one may be
 * incomplete. Undefined if the text does not start with `{`, if something else stands between, or if it is nested too deep.
 */
export function splitJson({ text, firstLine }: TextPart): TextPart[] | undefined {
  const starts: number[] = []
  let depth = 0
  for (let at = /^(?:---)?\s*/.exec(text)![0].length; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === SPACE || char === NEWLINE || char === RETURN || char === TAB) continue
    if (depth === 0) {
      if (char !== OPEN_BRACE) return undefined
      starts.push(at)
    }
    if (char === QUOTE) at = endOfString(text, at)
    else if (char === OPEN_BRACE || char === OPEN_BRACKET) depth++
    else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) depth--
    if (depth > MAX_DEPTH) return undefined
  }
  return starts.length === 0 ? undefined : cut(text, starts, firstLine)
}

function cut(text: string, starts: readonly number[], firstLine: number): TextPart[] {
  let line = firstLine
  let counted = 0
  return starts.map((start, index) => {
    for (let at = text.indexOf('\n', counted); at !== -1 && at < start; at = text.indexOf('\n', at + 1)) {
      line++
      counted = at + 1
    }
    return { text: text.slice(start, starts[index + 1]), firstLine: line }
  })
}

/** The index of the closing quote of a string that starts at `start`, or of the end of the text. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === BACKSLASH) at++
    else if (char === QUOTE) return at
  }
  return text.length
}

/** Whether there are only a mark, comments and directives. */
function isWithoutDocument(text: string): boolean {
  return text.split('\n').every(line => /^(---\s*|\s*(#.*)?|%.*)$/.test(line))
}
