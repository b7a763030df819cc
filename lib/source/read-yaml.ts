import { type Document, LineCounter, isNode, parseAllDocuments } from 'yaml'
import { messageOf } from '../model/failure.js'
import { type OnDuplicate, YamlMistake, readYamlValue } from './yaml-value.js'

/** A path in a document: keys of maps, indexes of lists. */
export type YamlPath = readonly (string | number)[]

/** One mistake in a text, and its line. */
export interface TextProblem {
  readonly line: number
  readonly text: string
}

/** One document of a text. */
export interface TextDocument {
  /** Its value; undefined if it has a mistake, null if it is empty. */
  readonly value: unknown
  readonly problems: readonly TextProblem[]
  /** Keys that their map has twice, if that is no mistake. */
  readonly duplicates?: readonly TextProblem[]
  /** The line of the node at a path, or of its nearest existing parent. It may parse the text again: only for mistakes. */
  readonly lineOf: (path: YamlPath) => number
  /** The same place in words, at no cost: a line, and if need be the path. */
  readonly placeOf: (path: YamlPath) => string
}

/**
 * Reads YAML as kubectl does: the one place for manifests, kubeconfig files and the demo. Never throws.
 *
 * @param firstLine the number of the text's first line, for a text that is a part of a file
 * @param duplicates whether a key that its map has twice is a mistake, or the last one counts
 */
export function readYaml(text: string, firstLine = 1, duplicates: 'mistake' | 'last' = 'mistake'): TextDocument[] {
  const lines = new LineCounter()
  const lineAt = (offset: number): number => firstLine - 1 + (lines.linePos(offset).line || 1)
  try {
    const documents = parseAllDocuments(text, {
      lineCounter: lines,
      prettyErrors: false,
      logLevel: 'silent',
      // All scalars are texts; `readYamlValue` gives them their meaning.
      schema: 'failsafe',
      resolveKnownTags: false,
      // The parser would compare each key with each other one; `readYamlValue` looks for duplicates too.
      uniqueKeys: false,
    })
    return documents.map(document => readDocument(document, lineAt, duplicates === 'last'))
  } catch (error) {
    return [withMistake(firstLine, messageOf(error))]
  }
}

function readDocument(document: Document, lineAt: (offset: number) => number, takesLast: boolean): TextDocument {
  const lineOf = (path: YamlPath): number => lineAt(offsetOf(document, path))
  const placeOf = (path: YamlPath): string => String(lineOf(path))
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ pos, message }) => ({ line: lineAt(pos[0]), text: firstLineOf(message) }))
    return { value: undefined, problems, lineOf, placeOf }
  }
  const duplicates: TextProblem[] = []
  const addDuplicate: OnDuplicate = (key, node) => duplicates.push({ line: lineAt(node.range?.[0] ?? 0), text: key })
  try {
    const value = readYamlValue(document, takesLast ? addDuplicate : undefined)
    return { value, problems: [], duplicates, lineOf, placeOf }
  } catch (error) {
    const line = error instanceof YamlMistake ? lineAt(error.offset) : lineOf([])
    return { value: undefined, problems: [{ line, text: firstLineOf(messageOf(error)) }], lineOf, placeOf }
  }
}

function withMistake(line: number, text: string): TextDocument {
  return {
    value: undefined,
    problems: [{ line, text: firstLineOf(text) }],
    lineOf: () => line,
    placeOf: () => String(line),
  }
}

function offsetOf(document: Document, path: YamlPath): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return document.contents?.range?.[0] ?? 0
}

/** The parser is recursive, so a text with a few thousand nested brackets overflows the stack. */
function firstLineOf(text: string): string {
  return text.startsWith('Maximum call stack') ? 'nested too deep' : text.split('\n', 1)[0]!
}
