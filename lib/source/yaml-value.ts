import { type Document, type Node, type Scalar, type YAMLMap, isAlias, isMap, isScalar, isSeq } from 'yaml'
import { readPlainScalar } from './read-plain-scalar.js'
import { quoteValue } from '../primitives/quote-value.js'

/** No object of Kubernetes is nested deeper than some 20 levels. */
export const MAX_DEPTH = 100
/** Values that a document may get by aliases. Without a bound, ten short lines make a billion values. */
const MAX_ALIASED_VALUES = 100_000
const TAG = 'tag:yaml.org,2002:'

/** A mistake in a document, and where it is. */
export class YamlMistake extends Error {
  override readonly name = 'YamlMistake'
  readonly offset: number

  constructor(node: Node | undefined | null, message: string) {
    super(message)
    this.offset = node?.range?.[0] ?? 0
  }
}

/** A value, and how many values are in it, itself included. */
interface Counted {
  readonly value: unknown
  readonly count: number
}

/**
 * The value of a document whose scalars are texts (schema `failsafe`), as kubectl reads it: YAML 1.1 with merge keys (`<<`).
 *
 * @param onDuplicate left out: such a key is a mistake
 * @throws YamlMistake for what kubectl refuses too: an alias inside its own anchor, a key that is no scalar, too many aliases
 */
export function readYamlValue(document: Document, onDuplicate: OnDuplicate = rejectDuplicate): unknown {
  return new ValueReader(onDuplicate).read(document.contents, 0).value
}

/** Called for a key that its map has twice; the last value counts. */
export type OnDuplicate = (key: string, node: Node) => void

function rejectDuplicate(key: string, node: Node): void {
  throw new YamlMistake(node, `the key ${quoteValue(key)} is there twice`)
}

class ValueReader {
  /** By name; undefined while the reader is inside of the node with the anchor. */
  readonly #anchors = new Map<string, Counted | undefined>()
  readonly #onDuplicate: OnDuplicate
  #aliased = 0

  constructor(onDuplicate: OnDuplicate) {
    this.#onDuplicate = onDuplicate
  }

  read(node: Node | null | undefined, depth: number): Counted {
    if (node === null || node === undefined) return { value: null, count: 1 }
    if (depth > MAX_DEPTH) throw new YamlMistake(node, `nested deeper than ${MAX_DEPTH} levels`)
    if (isAlias(node)) return this.#resolve(node)
    const { anchor } = node as { anchor?: string }
    if (anchor !== undefined) this.#anchors.set(anchor, undefined)
    const result = isScalar(node) ? { value: readScalar(node), count: 1 } : this.#readCollection(node, depth)
    if (anchor !== undefined) this.#anchors.set(anchor, result)
    return result
  }

  #resolve(alias: Node & { source: string }): Counted {
    const name = quoteValue(alias.source)
    if (!this.#anchors.has(alias.source)) throw new YamlMistake(alias, `the alias ${name} has no anchor before it`)
    const target = this.#anchors.get(alias.source)
    if (target === undefined) throw new YamlMistake(alias, `the anchor ${name} contains an alias of itself`)
    this.#aliased += target.count
    if (this.#aliased > MAX_ALIASED_VALUES)
      throw new YamlMistake(alias, `the aliases of this document stand for more than ${MAX_ALIASED_VALUES} values`)
    return target
  }

  #readCollection(node: Node, depth: number): Counted {
    if (isMap(node)) return this.#readMap(node, depth)
    if (!isSeq(node)) throw new YamlMistake(node, 'expected a map, a list or a scalar')
    let count = 1
    const value = node.items.map(item => {
      const entry = this.read(item as Node, depth + 1)
      count += entry.count
      return entry.value
    })
    return { value, count }
  }

  #readMap(node: YAMLMap, depth: number): Counted {
    const value: Record<string, unknown> = {}
    const own = new Set<string>()
    let count = 1
    for (const pair of node.items) {
      const [keyNode, valueNode] = [pair.key as Node | null, pair.value as Node | null]
      const entry = this.read(valueNode, depth + 1)
      count += entry.count
      if (isMergeKey(keyNode)) {
        // As in kubectl, what is merged overrides keys before it, and keys after it override what is merged.
        for (const source of mergeSources(entry.value, valueNode ?? keyNode))
          for (const [key, merged] of Object.entries(source)) setField(value, key, merged)
        continue
      }
      const key = this.#readKey(keyNode, node, depth)
      if (own.has(key)) this.#onDuplicate(key, keyNode!)
      own.add(key)
      setField(value, key, entry.value)
    }
    return { value, count }
  }

  #readKey(node: Node | null, map: Node, depth: number): string {
    const { value } = this.read(node, depth + 1)
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
    throw new YamlMistake(node ?? map, 'expected a text as key')
  }
}

function readScalar(node: Scalar): unknown {
  const text = String(node.value)
  const tag = node.tag?.startsWith(TAG) ? node.tag.slice(TAG.length) : node.tag
  try {
    switch (tag) {
      case undefined:
        return node.type === 'PLAIN' ? readPlainScalar(text) : text
      case 'binary':
        return Buffer.from(text, 'base64').toString('utf8')
      case 'bool':
      case 'int':
      case 'float':
      case 'null': {
        const value = readPlainScalar(text)
        const found = value === null ? 'null' : typeof value === 'boolean' ? 'bool' : typeof value
        if (found === tag || (found === 'number' && (tag === 'float' || Number.isInteger(value)))) return value
        throw new Error(`${quoteValue(text)} is not of the type "${tag}"`)
      }
      default:
        return text
    }
  } catch (error) {
    throw new YamlMistake(node, (error as Error).message)
  }
}

function isMergeKey(key: Node | null): key is Scalar {
  return isScalar(key) && key.value === '<<' && key.type === 'PLAIN' && key.tag !== `${TAG}str`
}

/** The maps of a merge key; the first one of a list has precedence, so it comes last. */
function mergeSources(value: unknown, node: Node): object[] {
  const sources: unknown[] = Array.isArray(value) ? (value as unknown[]).toReversed() : [value]
  if (sources.every(source => typeof source === 'object' && source !== null && !Array.isArray(source)))
    return sources as object[]
  throw new YamlMistake(node, 'expected a map, or a list of maps, for the merge key "<<"')
}

/** An assignment to `__proto__` would change the prototype. */
function setField(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  else object[key] = value
}
