import {
  type EndpointSliceObject,
  type NodeObject,
  type ObjectKind,
  type ServiceObject,
  objectKey,
} from '../model/objects.js'
import { decodeEndpointSlice } from './decode-endpoint-slice.js'
import { decodeEndpoints } from './decode-endpoints.js'
import { decodeNode } from './decode-node.js'
import { decodeService } from './decode-service.js'
import { fields } from './decoded.js'
import { rawKey, rawVersion } from './raw-key.js'
import { type ObjectProblems, ProblemReporter } from './problem-reporter.js'

/** What came in since the last `takeChanges`. */
export interface ObjectChanges {
  /** Keys (`namespace/name`) of Services that changed themselves. */
  readonly services: ReadonlySet<string>
  /** Keys of Services whose endpoints changed. */
  readonly endpoints: ReadonlySet<string>
  /** The own Node changed: every Service may be served differently. */
  readonly node: boolean
  /** When the changes were made, as far as their objects say: ms since 1970. */
  readonly triggerTimes: readonly number[]
}

/** What hears of changes in a store. */
export interface StoreSubscriber {
  /** Called after every delivery that changed something. */
  readonly onChange?: () => void
  /** Called when the wrong fields of an object differ from what was reported last. */
  readonly onProblems?: (problems: ObjectProblems) => void
}

/**
 * The latest Services, endpoints and Node, by name. Sources deliver raw API objects here; each is read once, at the door.
 *
 * Wanted-state in spirit: `replace` takes a complete list and works out what vanished, so a repeated, late or lost event
 * does no harm.
 */
export class ObjectStore {
  readonly services = new Map<string, ServiceObject>()
  node: NodeObject | undefined
  /** Slices by the key of their Service, then by their own name. */
  readonly #slices = new Map<string, Map<string, EndpointSliceObject>>()
  /** Endpoints objects by the key of their Service. */
  readonly #endpointsObjects = new Map<string, readonly EndpointSliceObject[]>()
  /** The Service each slice was last seen for: a slice may move to another. */
  readonly #serviceOfSlice = new Map<string, string>()
  /** The version that each object was last read in: a list that comes again is mostly what is here already. */
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

  /** @param nodeName the Node to keep; others that a source brings are dropped */
  constructor(nodeName: string) {
    this.#nodeName = nodeName
  }

  /** Subscribers are called in the order in which they came. */
  subscribe(subscriber: StoreSubscriber): void {
    this.#subscribers.push(subscriber)
  }

  /** Whether a complete list of Services and one of endpoints have been delivered: nothing is programmed before. */
  get hasSynced(): boolean {
    return (
      this.#syncedKinds.has('Service') && (this.#syncedKinds.has('EndpointSlice') || this.#syncedKinds.has('Endpoints'))
    )
  }

  /** The endpoints of a Service: its slices, or, where there is none, what its Endpoints object says. */
  slicesOf(serviceKey: string): Iterable<EndpointSliceObject> {
    return this.#slices.get(serviceKey)?.values() ?? this.#endpointsObjects.get(serviceKey) ?? []
  }

  /** Takes the complete list of one kind; what is stored and not in it has vanished. */
  replace(kind: ObjectKind, raws: readonly unknown[]): void {
    const wasSynced = this.hasSynced
    this.#syncedKinds.add(kind)
    // Also those that could not be used: they are stored nowhere else.
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

  /** Takes the news that an object is gone; `raw` is its last state. */
  remove(kind: ObjectKind, raw: unknown): void {
    if (this.#drop(kind, rawKey(kind, raw))) this.#notifyChange()
  }

  /** How many changes wait to be taken: for the pending gauges. */
  get pendingChanges(): { services: number; endpoints: number } {
    return { services: this.#changes.services.size, endpoints: this.#changes.endpoints.size }
  }

  /** What changed since the last call. */
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
        return this.#serviceOfSlice.keys()
      case 'Endpoints':
        return this.#endpointsObjects.keys()
      case 'Node':
        return this.node === undefined ? [] : [this.node.name]
    }
  }

  /** Stores the object, or drops it when it cannot be used; says whether anything we serve by has changed. */
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
        const { object, ...found } = decodeService(raw)
        this.#problems.report(kind, name, found, object && { namespace: object.namespace, name: object.name })
        if (object === undefined) return this.#drop(kind, name, false)
        if (isEqual(this.services.get(name), object)) return false
        this.services.set(name, object)
        this.#changes.services.add(name)
        return true
      }
      case 'EndpointSlice': {
        const { object, ...found } = decodeEndpointSlice(raw)
        this.#problems.report(kind, name, found, object && { namespace: object.namespace, name: object.serviceName })
        return object === undefined ? this.#drop(kind, name, false) : this.#putSlice(name, object)
      }
      case 'Endpoints': {
        const { object, ...found } = decodeEndpoints(raw)
        this.#problems.report(kind, name, found)
        if (object === undefined) return this.#drop(kind, name, false)
        if (isEqual(this.#endpointsObjects.get(name), object)) return false
        this.#endpointsObjects.set(name, object)
        this.#changes.endpoints.add(name)
        this.#recordTriggerTime(object[0])
        return true
      }
      case 'Node': {
        if (fields(fields(raw)['metadata'])['name'] !== this.#nodeName) return false
        const { object, ...found } = decodeNode(raw)
        this.#problems.report(kind, name, found)
        if (object === undefined || isEqual(this.node, object)) return false
        this.node = object
        this.#changes.node = true
        return true
      }
    }
  }

  #putSlice(name: string, slice: EndpointSliceObject): boolean {
    const owner = objectKey({ namespace: slice.namespace, name: slice.serviceName })
    const previousOwner = this.#serviceOfSlice.get(name)
    if (previousOwner === owner && isEqual(this.#slices.get(owner)?.get(name), slice)) return false
    if (previousOwner !== undefined && previousOwner !== owner) this.#drop('EndpointSlice', name, false)
    const ofService = this.#slices.get(owner) ?? new Map<string, EndpointSliceObject>()
    ofService.set(name, slice)
    this.#slices.set(owner, ofService)
    this.#serviceOfSlice.set(name, owner)
    this.#changes.endpoints.add(owner)
    this.#recordTriggerTime(slice)
    return true
  }

  #drop(kind: ObjectKind, name: string, forget = true): boolean {
    this.#versions[kind].delete(name)
    if (forget) this.#problems.report(kind, name, { problems: [] })
    switch (kind) {
      case 'Service':
        if (!this.services.delete(name)) return false
        this.#changes.services.add(name)
        return true
      case 'EndpointSlice': {
        const owner = this.#serviceOfSlice.get(name)
        if (owner === undefined) return false
        this.#serviceOfSlice.delete(name)
        const ofService = this.#slices.get(owner)
        ofService?.delete(name)
        if (ofService?.size === 0) this.#slices.delete(owner)
        this.#changes.endpoints.add(owner)
        return true
      }
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

  #recordTriggerTime(slice: EndpointSliceObject | undefined): void {
    if (slice?.triggerTime !== undefined) this.#changes.triggerTimes.push(slice.triggerTime)
  }
}

function noChanges() {
  return { services: new Set<string>(), endpoints: new Set<string>(), node: false, triggerTimes: [] as number[] }
}

/** Decoded objects are plain data built in a fixed field order, so their JSON tells whether they are equal. */
function isEqual(before: unknown, after: unknown): boolean {
  return before !== undefined && JSON.stringify(before) === JSON.stringify(after)
}
