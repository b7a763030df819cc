import { type Document, LineCounter, isNode, parseAllDocuments } from 'yaml'
import { messageOf } from '../model/failure.js'
import { type ObjectKind } from '../model/objects.js'
import { decodeEndpointSlice } from '../snapshot/decode-endpoint-slice.js'
import { decodeEndpoints } from '../snapshot/decode-endpoints.js'
import { decodeNode } from '../snapshot/decode-node.js'
import { decodeService } from '../snapshot/decode-service.js'
import { type RawFields, fields, quote } from '../snapshot/decoded.js'

/** One object of a manifest, in the form in which the API server would send it. */
export interface ManifestObject {
  readonly kind: ObjectKind
  readonly raw: unknown
  /** `file:line` of its start. */
  readonly location: string
}

/** The objects of a manifest and its mistakes. */
export interface ParsedManifest {
  readonly objects: readonly ManifestObject[]
  /** Kinds that a proxy does not need, each once. */
  readonly ignoredKinds: readonly string[]
  /** One sentence for each mistake, with file, line and field. A manifest with mistakes must not be used. */
  readonly problems: readonly string[]
}

const API_VERSIONS: Readonly<Record<ObjectKind, readonly string[]>> = {
  Service: ['v1'],
  EndpointSlice: ['discovery.k8s.io/v1', 'discovery.k8s.io/v1beta1'],
  Endpoints: ['v1'],
  Node: ['v1'],
}
const DECODERS: Readonly<Record<ObjectKind, (raw: unknown) => { readonly problems: readonly string[] }>> = {
  Service: decodeService,
  EndpointSlice: decodeEndpointSlice,
  Endpoints: decodeEndpoints,
  Node: decodeNode,
}

/**
 * Parses one manifest: YAML documents or JSON, single objects or Lists. An API server has validated its objects. Nothing has
 * validated a manifest, so each wrong field is reported with its position.
 */
export function parseManifest(text: string, file: string): ParsedManifest {
  const lineCounter = new LineCounter()
  const reader = new ManifestReader(file, lineCounter)
  for (const document of parseDocuments(text, lineCounter, reader)) {
    for (const error of document.errors) reader.addProblem(error.pos[0], firstLine(error.message))
    if (document.errors.length === 0) reader.read(document)
  }
  return reader.getResult()
}

function parseDocuments(text: string, lineCounter: LineCounter, reader: ManifestReader): readonly Document[] {
  try {
    return parseAllDocuments(text, { lineCounter, prettyErrors: false })
  } catch (error) {
    // The parser is recursive, so a file with a few thousand nested brackets overflows the stack.
    reader.addProblem(0, `cannot be parsed: ${firstLine(messageOf(error))}`)
    return []
  }
}

class ManifestReader {
  readonly #file: string
  readonly #lines: LineCounter
  readonly #objects: ManifestObject[] = []
  readonly #ignoredKinds = new Set<string>()
  readonly #problems: string[] = []

  constructor(file: string, lines: LineCounter) {
    this.#file = file
    this.#lines = lines
  }

  getResult(): ParsedManifest {
    return { objects: this.#objects, ignoredKinds: [...this.#ignoredKinds], problems: this.#problems }
  }

  addProblem(offset: number, text: string): void {
    this.#problems.push(`${this.#locate(offset)}: ${text}`)
  }

  read(document: Document): void {
    try {
      const raw: unknown = document.toJS({ maxAliasCount: 100 })
      // Documents may be empty: many files start or end with "---".
      if (raw !== null) this.#readObject(document, [], raw)
    } catch (error) {
      // `toJS` resolves aliases, and fails for undefined or recursive ones, or for so many that it is an attack.
      this.addProblem(offsetOf(document, []), firstLine(messageOf(error)))
    }
  }

  /** @param path of the object in the document; inside a List it is not the whole document */
  #readObject(document: Document, path: readonly (string | number)[], raw: unknown): void {
    const { kind, apiVersion, items } = fields(raw)
    const start = offsetOf(document, path)
    if (typeof kind !== 'string' || typeof apiVersion !== 'string') {
      const missing = typeof kind === 'string' ? 'apiVersion' : 'kind'
      return this.addProblem(start, `expected a Kubernetes object, found ${quote(raw)} without "${missing}"`)
    }
    if (kind.endsWith('List') && Array.isArray(items)) {
      for (const [index, item] of items.entries()) {
        this.#readObject(document, [...path, 'items', index], withKind(fields(item), kind, apiVersion))
      }
      return
    }
    if (!isServedKind(kind)) return void this.#ignoredKinds.add(kind)
    if (!API_VERSIONS[kind].includes(apiVersion)) {
      const expected = API_VERSIONS[kind].map(version => `"${version}"`).join(' or ')
      return this.addProblem(start, `apiVersion: expected ${expected} for kind ${kind}, found ${quote(apiVersion)}`)
    }
    for (const text of DECODERS[kind](raw).problems) {
      this.addProblem(offsetOf(document, [...path, ...fieldPath(text)]), `${kind} ${nameOf(raw)}: ${text}`)
    }
    this.#objects.push({ kind, raw, location: this.#locate(start) })
  }

  #locate(offset: number): string {
    return `${this.#file}:${this.#lines.linePos(offset).line || 1}`
  }
}

function isServedKind(kind: string): kind is ObjectKind {
  return Object.hasOwn(API_VERSIONS, kind)
}

/** Items of a `ServiceList` have no kind and apiVersion; those of a plain `List` have them. */
function withKind(item: RawFields, listKind: string, apiVersion: string): RawFields {
  return listKind === 'List' ? item : { kind: listKind.slice(0, -'List'.length), apiVersion, ...item }
}

function nameOf(raw: unknown): string {
  const { namespace, name } = fields(fields(raw)['metadata'])
  return quote(typeof namespace === 'string' && typeof name === 'string' ? `${namespace}/${name}` : name)
}

/** The path at the start of a problem: `spec.ports[1].port: …` gives `spec`, `ports`, 1, `port`. */
function fieldPath(problem: string): (string | number)[] {
  const path = /^((?:[A-Za-z]+|\[\d+\]|\["[^"]*"\]|\.)+):/.exec(problem)?.[1] ?? ''
  return [...path.matchAll(/\["([^"]*)"\]|\[(\d+)\]|([A-Za-z]+)/g)].map(([, quoted, index, name]) =>
    index === undefined ? (quoted ?? name!) : Number(index),
  )
}

/** The offset of the node at a path, or of its nearest existing parent. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return document.contents?.range?.[0] ?? 0
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!
}
