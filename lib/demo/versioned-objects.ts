import { isDeepStrictEqual } from 'node:util'

/** An object as a manifest has it. */
export interface DemoObject {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly [field: string]: unknown }
  readonly [field: string]: unknown
}

/** A change of one object. */
export interface ObjectChange {
  /** Counts all changes of all objects. */
  readonly version: number
  readonly path: string
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  /** With the `resourceVersion` of the change. */
  readonly object: DemoObject
}

/** Where an API server has the objects of a kind; other kinds matter to no proxy. */
export const PATHS: ReadonlyMap<string, string> = new Map([
  ['Service', '/api/v1/services'],
  ['EndpointSlice', '/apis/discovery.k8s.io/v1/endpointslices'],
  ['Node', '/api/v1/nodes'],
])
/** Changes that a watch can begin with. */
const MAX_CHANGES = 1000

/** The objects of an API server, and what has changed, each with its version. */
export class VersionedObjects {
  readonly #objects = new Map<string, DemoObject>()
  readonly #changes: ObjectChange[] = []
  #version = 1

  /** The version of the last change. */
  get version(): number {
    return this.#version
  }

  /** Makes these all objects that there are. @returns what that has changed */
  setAll(objects: readonly DemoObject[]): readonly ObjectChange[] {
    const wanted = new Map(
      objects.filter(({ kind }) => PATHS.has(kind)).map(object => [`${object.kind} ${object.metadata.name}`, object]),
    )
    const first = this.#changes.length
    for (const [key, object] of wanted) {
      const before = this.#objects.get(key)
      if (before === undefined) this.#change('ADDED', key, object)
      else if (!isDeepStrictEqual(withoutVersion(before), object)) this.#change('MODIFIED', key, object)
    }
    for (const [key, object] of this.#objects) if (!wanted.has(key)) this.#change('DELETED', key, object)
    const made = this.#changes.slice(first)
    this.#changes.splice(0, Math.max(0, this.#changes.length - MAX_CHANGES))
    return made
  }

  /** The objects at a path. @param name of the only one that is asked for; left out: all */
  list(path: string, name?: string): readonly DemoObject[] {
    return [...this.#objects.values()].filter(
      ({ kind, metadata }) => PATHS.get(kind) === path && (name === undefined || metadata.name === name),
    )
  }

  /** The changes at a path after a version; undefined: it is too old to know them all. */
  since(path: string, version: number): readonly ObjectChange[] | undefined {
    if (version < this.#version - this.#changes.length) return undefined
    return this.#changes.filter(change => change.version > version && change.path === path)
  }

  #change(type: ObjectChange['type'], key: string, { metadata, ...object }: DemoObject): void {
    const version = ++this.#version
    const changed = { ...object, metadata: { ...metadata, resourceVersion: String(version) } } as DemoObject
    if (type === 'DELETED') this.#objects.delete(key)
    else this.#objects.set(key, changed)
    this.#changes.push({ version, path: PATHS.get(changed.kind)!, type, object: changed })
  }
}

function withoutVersion({ metadata: { resourceVersion: _, ...metadata }, ...object }: DemoObject): object {
  return { ...object, metadata }
}
