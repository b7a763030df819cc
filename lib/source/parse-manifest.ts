import { type ObjectKind } from '../model/objects.js'
import { decodeEndpointSlice } from '../snapshot/decode-endpoint-slice.js'
import { decodeEndpoints } from '../snapshot/decode-endpoints.js'
import { decodeNode } from '../snapshot/decode-node.js'
import { decodeService } from '../snapshot/decode-service.js'
import { type Decoded, type RawFields, fields, quote } from '../snapshot/decoded.js'
import { type ApiType, apiTypeName, servedKindOf } from './api-type.js'
import { readDocuments } from './read-documents.js'
import { type TextDocument, type YamlPath } from './read-yaml.js'

/** One object of a manifest, in the form in which the API server would send it. */
export interface ManifestObject {
  readonly kind: ObjectKind
  /** Identifies it among all manifests: `Service default/web`. */
  readonly key: string
  readonly raw: unknown
  /** `file:line` of its start. */
  readonly location: string
}

/** One mistake in a manifest. */
export interface ManifestProblem {
  /** The key of the object that must not be used; undefined if it is not known which object it is. */
  readonly key: string | undefined
  /** A sentence with file, line and field. */
  readonly text: string
}

/** The objects of a manifest, and its mistakes. */
export interface ParsedManifest {
  /** The objects without mistakes. */
  readonly objects: readonly ManifestObject[]
  /** Kinds that a proxy does not need, each once, in the form of kubectl: `Deployment.apps`. */
  readonly ignoredKinds: readonly string[]
  readonly problems: readonly ManifestProblem[]
  /** Whether the text has nothing but space. */
  readonly isBlank: boolean
  /** Whether the parser itself failed, so that it may succeed with the same text later. */
  readonly hasParserFailed?: boolean
}

const DECODERS: Readonly<Record<ObjectKind, (raw: unknown) => Pick<Decoded<unknown>, 'problems' | 'tolerated'>>> = {
  Service: decodeService,
  EndpointSlice: decodeEndpointSlice,
  Endpoints: decodeEndpoints,
  Node: decodeNode,
}
/** Lists in Lists are allowed, and a List of Lists of Lists is surely a mistake. */
const MAX_LIST_DEPTH = 10

/**
 * Parses one manifest: YAML documents or JSON, single objects or Lists. An API server has validated its objects. Nothing has
 * validated a manifest, so each wrong field is reported with its position. Each document and each object counts by itself.
 */
export function parseManifest(text: string, file: string): ParsedManifest {
  const reader = new ManifestReader(file)
  for (const document of readDocuments(text)) reader.readDocument(document)
  return { ...reader.getResult(), isBlank: text.trim() === '' }
}

class ManifestReader {
  readonly #file: string
  readonly #objects: ManifestObject[] = []
  readonly #ignoredKinds = new Set<string>()
  readonly #problems: ManifestProblem[] = []

  constructor(file: string) {
    this.#file = file
  }

  getResult(): Omit<ParsedManifest, 'isBlank'> {
    return { objects: this.#objects, ignoredKinds: [...this.#ignoredKinds], problems: this.#problems }
  }

  readDocument(document: TextDocument): void {
    for (const { line, text } of document.problems) this.#addProblem(line, text)
    // Documents may be empty: many files start or end with "---".
    if (document.value !== undefined && document.value !== null) this.#readObject(document, [], document.value)
  }

  /** @param path of the object in the document; inside a List it is not the whole document */
  #readObject(document: TextDocument, path: YamlPath, raw: unknown): void {
    const { kind, apiVersion, items } = fields(raw)
    if (typeof kind !== 'string' || typeof apiVersion !== 'string') {
      const missing = typeof kind === 'string' ? 'apiVersion' : 'kind'
      return this.#addProblem(
        document.lineOf(path),
        `expected a Kubernetes object, found ${quote(raw)} without "${missing}"`,
      )
    }
    const type = { kind, apiVersion }
    if (kind.endsWith('List') && Array.isArray(items)) return this.#readItems(document, path, type, items as unknown[])
    const served = servedKindOf(type)
    if (served === undefined) return void this.#ignoredKinds.add(apiTypeName(type))
    if ('expected' in served)
      return this.#addProblem(
        document.lineOf(path),
        `apiVersion: expected ${served.expected} for kind ${kind}, found ${quote(apiVersion)}`,
      )
    this.#readServed(document, path, served.kind, raw)
  }

  #readItems(document: TextDocument, path: YamlPath, list: ApiType, items: readonly unknown[]): void {
    // Each level of Lists adds two steps to the path.
    if (path.length >= 2 * MAX_LIST_DEPTH)
      return this.#addProblem(document.lineOf(path), `Lists in Lists, deeper than ${MAX_LIST_DEPTH} levels`)
    for (const [index, item] of items.entries())
      this.#readObject(document, [...path, 'items', index], withType(fields(item), list))
  }

  #readServed(document: TextDocument, path: YamlPath, kind: ObjectKind, raw: unknown): void {
    const { problems, tolerated = [] } = DECODERS[kind](raw)
    const key = keyOf(kind, raw)
    for (const text of problems)
      this.#addProblem(document.lineOf([...path, ...fieldPath(text)]), `${kind} ${nameOf(raw)}: ${text}`, key)
    if (problems.length > tolerated.length || key === undefined) return
    this.#objects.push({ kind, key, raw, location: `${this.#file}:${document.placeOf(path)}` })
  }

  #addProblem(line: number, text: string, key?: string): void {
    this.#problems.push({ key, text: `${this.#file}:${line}: ${text}` })
  }
}

/** Items of a `ServiceList` have no kind and apiVersion; those of a plain `List` have them. */
function withType(item: RawFields, { kind, apiVersion }: ApiType): RawFields {
  return kind === 'List' ? item : { kind: kind.slice(0, -'List'.length), apiVersion, ...item }
}

/** Undefined without a name, or with a namespace that is not text. */
function keyOf(kind: ObjectKind, raw: unknown): string | undefined {
  const { namespace, name } = fields(fields(raw)['metadata'])
  if (typeof name !== 'string' || name === '') return undefined
  if (kind === 'Node') return `${kind} ${name}`
  if (namespace === undefined || namespace === null || namespace === '') return `${kind} default/${name}`
  return typeof namespace === 'string' ? `${kind} ${namespace}/${name}` : undefined
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
