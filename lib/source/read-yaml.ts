import { type Document, LineCounter, isMap, isNode, isScalar, isSeq, parseAllDocuments } from 'yaml'
import { messageOf } from '../model/failure.js'
import { escapeControls, shorten } from '../primitives/quote-value.js'
import { type OnDuplicate, YamlMistake, readYamlValue } from './yaml-value.js'

/** A message of the parser may quote everything to the end of the file. */
const MAX_SYNTAX_PROBLEM = 200
const TOO_DEEP = 'nested too deep'

/** A path in a document: keys of maps, indexes of lists. */
export type YamlPath = readonly (string | number)[]

/** One mistake in a text, and its line. */
export interface TextProblem {
  readonly line: number
  readonly text: string
  /** The kind of a mistake in the syntax, in words, without a part of the text. */
  readonly kind?: string
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
    return [withMistake(firstLine, syntaxProblem(messageOf(error)))]
  }
}

function readDocument(document: Document, lineAt: (offset: number) => number, takesLast: boolean): TextDocument {
  const lineOf = (path: YamlPath): number => lineAt(offsetOf(document, path))
  const placeOf = (path: YamlPath): string => String(lineOf(path))
  const [error] = document.errors
  // The parser's other errors are mostly consequences of the first one.
  if (error !== undefined) {
    const text = syntaxProblem(error.message)
    // One text of this program's own quotes nothing.
    const kind = text === TOO_DEEP ? {} : { kind: error.code.toLowerCase().replaceAll('_', ' ') }
    const problem = { line: lineAt(error.pos[0]), text, ...kind }
    return { value: undefined, problems: [problem], lineOf, placeOf }
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
    problems: [{ line, text }],
    lineOf: () => line,
    placeOf: () => String(line),
  }
}

function offsetOf(document: Document, path: YamlPath): number {
  let node: unknown = document.contents
  let offset = document.contents?.range?.[0] ?? 0
  for (const step of path) {
    node = childOf(node, step)
    if (!isNode(node)) break
    offset = node.range?.[0] ?? offset
  }
  return offset
}

/** Of a key that a map has twice, the last one: where it is no mistake, that one counts. */
function childOf(node: unknown, step: string | number): unknown {
  if (isSeq(node)) return node.items[Number(step)]
  if (!isMap(node)) return undefined
  return node.items.findLast(({ key }) => isScalar(key) && String(key.value) === String(step))?.value
}

function syntaxProblem(message: string): string {
  const text = firstLineOf(message)
  return text === TOO_DEEP ? text : `not valid YAML: ${escapeControls(shorten(text, MAX_SYNTAX_PROBLEM))}`
}

/** The parser is recursive, so a text with a few thousand nested brackets overflows the stack. */
function firstLineOf(text: string): string {
  return text.startsWith('Maximum call stack') ? TOO_DEEP : text.split('\n', 1)[0]!
}
