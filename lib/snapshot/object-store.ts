import { type EndpointSliceObject, type NodeObject, type ObjectKind, type ServiceObject } from '../model/objects.js'
import { isEqual } from '../primitives/reuse-equal.js'
import { decodeEndpointSlice } from './decode-endpoint-slice.js'
import { decodeEndpoints } from './decode-endpoints.js'
import { decodeNode } from './decode-node.js'
import { decodeService } from './decode-service.js'
import { fields, quote } from './decoded.js'
import { type ObjectProblems, ProblemReporter } from './problem-reporter.js'
import { SliceIndex } from './slice-index.js'

/** What changed since the last `takeChanges`. */
export interface ObjectChanges {
  /** Keys (`namespace/name`) of Services that changed themselves. */
  readonly services: ReadonlySet<string>
  /** Keys of Services whose endpoints changed. */
  readonly endpoints: ReadonlySet<string>
  /** Whether this proxy's Node changed: then any Service may have other usable endpoints. */
  readonly node: boolean
  /** When the changes were made, for objects that say so: ms since 1970. */
  readonly triggerTimes: readonly number[]
}

/** A part that the store notifies of changes. */
export interface StoreSubscriber {
  /** Called after every delivery that changed something. */
  readonly onChange?: () => void
  /** Called when the wrong fields of an object differ from those reported last. */
  readonly onProblems?: (problems: ObjectProblems) => void
}

/**
 * The latest Services, endpoints and Node, by name. Sources deliver raw API objects, and the store decodes each version once.
 *
 * `replace` takes a complete list and finds out which objects are gone, so a repeated, late or lost event does no harm.
 */
export class ObjectStore {
  /** Services by `namespace/name`. */
  readonly services = new Map<string, ServiceObject>()
  /** This proxy's Node; undefined until it arrives, and after its removal. */
  node: NodeObject | undefined
  readonly #slices = new SliceIndex()
  /** Endpoints objects by the key of their Service. */
  readonly #endpointsObjects = new Map<string, readonly EndpointSliceObject[]>()
  /** The version of each object that was read last: most objects of a repeated list have not changed. */
  readonly #versions: Readonly<Record<ObjectKind, Map<string, string>>> = {
    Service: new Map(),
    EndpointSlice: new Map(),
    Endpoints: new Map(),
    Node: new Map(),
  }
  readonly #syncedKinds = new Set<ObjectKind>()
  readonly #nodeName: string
  readonly #subscribers: StoreSubscriber[] = []
  readonly #problems = new ProblemReporter(problems => {
    for (const { onProblems } of this.#subscribers) onProblems?.(problems)
  })
  #changes = noChanges()

  /** @param nodeName name of the Node to store; the store ignores others */
  constructor(nodeName: string) {
    this.#nodeName = nodeName
  }

  /** Adds a subscriber. The store calls subscribers in the order of their subscription. */
  subscribe(subscriber: StoreSubscriber): void {
    this.#subscribers.push(subscriber)
  }

  /** Whether a complete list of Services and one of endpoints have arrived. No rules are written before. */
  get hasSynced(): boolean {
    return (
      this.#syncedKinds.has('Service') && (this.#syncedKinds.has('EndpointSlice') || this.#syncedKinds.has('Endpoints'))
    )
  }

  /** The endpoints of a Service: its slices, or, without any, those of its Endpoints object. */
  slicesOf(serviceKey: string): Iterable<EndpointSliceObject> {
    return this.#slices.of(serviceKey) ?? this.#endpointsObjects.get(serviceKey) ?? []
  }

  /** Takes the complete list of one kind, and removes stored objects that are not in it. */
  replace(kind: ObjectKind, raws: readonly unknown[]): void {
    const wasSynced = this.hasSynced
    this.#syncedKinds.add(kind)
    // Includes unusable objects, which are stored nowhere else.
    const gone = new Set([...this.#names(kind), ...this.#problems.listReported(kind), ...this.#versions[kind].keys()])
    let changed = false
    for (const raw of raws) {
      const name = rawKey(kind, raw)
      gone.delete(name)
      changed = this.#put(kind, name, raw) || changed
    }
    for (const name of gone) changed = this.#drop(kind, name) || changed
    if (changed || this.hasSynced !== wasSynced) this.#notifyChange()
  }

  /** Takes one object that is new or changed. */
  upsert(kind: ObjectKind, raw: unknown): void {
    if (this.#put(kind, rawKey(kind, raw), raw)) this.#notifyChange()
  }

  /** Removes an object; `raw` is its last state. */
  remove(kind: ObjectKind, raw: unknown): void {
    if (this.#drop(kind, rawKey(kind, raw))) this.#notifyChange()
  }

  /** Number of changes that wait for `takeChanges`, for the gauges of pending changes. */
  get pendingChanges(): { services: number; endpoints: number } {
    return { services: this.#changes.services.size, endpoints: this.#changes.endpoints.size }
  }

  /** Returns what changed since the last call. */
  takeChanges(): ObjectChanges {
    const changes = this.#changes
    this.#changes = noChanges()
    return changes
  }

  #notifyChange(): void {
    for (const { onChange } of this.#subscribers) onChange?.()
  }

  #names(kind: ObjectKind): Iterable<string> {
    switch (kind) {
      case 'Service':
        return this.services.keys()
      case 'EndpointSlice':
        return this.#slices.names()
      case 'Endpoints':
        return this.#endpointsObjects.keys()
      case 'Node':
        return this.node === undefined ? [] : [this.node.name]
    }
  }

  /** Stores the object, or drops an unusable one. Returns whether the stored state changed. */
  #put(kind: ObjectKind, name: string, raw: unknown): boolean {
    const version = rawVersion(raw)
    const seen = this.#versions[kind]
    if (version !== undefined && seen.get(name) === version) return false
    const changed = this.#decode(kind, name, raw)
    if (version !== undefined) seen.set(name, version)
    return changed
  }

  #decode(kind: ObjectKind, name: string, raw: unknown): boolean {
    switch (kind) {
      case 'Service': {
        const { object, ...reading } = decodeService(raw)
        this.#problems.report(kind, name, reading, object && { namespace: object.namespace, name: object.name })
        if (object === undefined) return this.#drop(kind, name, false)
        if (isEqual(this.services.get(name), object)) return false
        this.services.set(name, object)
        this.#changes.services.add(name)
        return true
      }
      case 'EndpointSlice': {
        const { object, ...reading } = decodeEndpointSlice(raw)
        this.#problems.report(kind, name, reading, object && { namespace: object.namespace, name: object.serviceName })
        if (object === undefined) return this.#drop(kind, name, false)
        if (!this.#noteEndpoints(this.#slices.put(name, object))) return false
        this.#recordTriggerTime(object)
        return true
      }
      case 'Endpoints': {
        const { object, ...reading } = decodeEndpoints(raw)
        this.#problems.report(kind, name, reading)
        if (object === undefined) return this.#drop(kind, name, false)
        if (isEqual(this.#endpointsObjects.get(name), object)) return false
        this.#endpointsObjects.set(name, object)
        this.#changes.endpoints.add(name)
        this.#recordTriggerTime(object[0])
        return true
      }
      case 'Node': {
        if (fields(fields(raw)['metadata'])['name'] !== this.#nodeName) return false
        const { object, ...reading } = decodeNode(raw)
        this.#problems.report(kind, name, reading)
        if (object === undefined || isEqual(this.node, object)) return false
        this.node = object
        this.#changes.node = true
        return true
      }
    }
  }

  #drop(kind: ObjectKind, name: string, forgetProblems = true): boolean {
    this.#versions[kind].delete(name)
    if (forgetProblems) this.#problems.report(kind, name, { problems: [] })
    switch (kind) {
      case 'Service':
        if (!this.services.delete(name)) return false
        this.#changes.services.add(name)
        return true
      case 'EndpointSlice':
        return this.#noteEndpoints(this.#slices.delete(name))
      case 'Endpoints':
        if (!this.#endpointsObjects.delete(name)) return false
        this.#changes.endpoints.add(name)
        return true
      case 'Node':
        if (this.node?.name !== name) return false
        this.node = undefined
        this.#changes.node = true
        return true
    }
  }

  /** Notes that the endpoints of Services changed. @returns whether there were any */
  #noteEndpoints(serviceKeys: readonly string[]): boolean {
    for (const key of serviceKeys) this.#changes.endpoints.add(key)
    return serviceKeys.length > 0
  }

  #recordTriggerTime(slice: EndpointSliceObject | undefined): void {
    if (slice?.triggerTime !== undefined) this.#changes.triggerTimes.push(slice.triggerTime)
  }
}

function noChanges() {
  return { services: new Set<string>(), endpoints: new Set<string>(), node: false, triggerTimes: [] as number[] }
}

/** The key of a raw object in the store, also for an invalid name. */
function rawKey(kind: ObjectKind, raw: unknown): string {
  const { namespace, name } = fields(fields(raw)['metadata'])
  if (kind === 'Node') return keyText(name)
  return `${keyText(namespace) || 'default'}/${keyText(name)}`
}

/** Identifies one state of an object (API conventions: resourceVersion); undefined without one, as in manifests. */
function rawVersion(raw: unknown): string | undefined {
  const { uid, resourceVersion } = fields(fields(raw)['metadata'])
  if (typeof resourceVersion !== 'string' || resourceVersion === '') return undefined
  return `${typeof uid === 'string' ? uid : ''} ${resourceVersion}`
}

/** A name that is not text becomes a key that no valid object has. */
function keyText(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined || value === null ? '' : `(${quote(value)})`
}
