import { type EndpointSliceObject, objectKey } from '../model/objects.js'
import { isEqual } from '../primitives/reuse-equal.js'

/** Slices by the key of their Service. A slice may move to another Service. */
export class SliceIndex {
  /** By the key of the Service, then by the slice's own name. */
  readonly #slices = new Map<string, Map<string, EndpointSliceObject>>()
  /** The Service of each slice. */
  readonly #serviceOfSlice = new Map<string, string>()

  /** The slices of a Service; undefined: it has none. */
  of(serviceKey: string): Iterable<EndpointSliceObject> | undefined {
    return this.#slices.get(serviceKey)?.values()
  }

  /** The names of all slices. */
  names(): Iterable<string> {
    return this.#serviceOfSlice.keys()
  }

  /** Stores a slice. @returns the keys of the Services whose endpoints changed */
  put(name: string, slice: EndpointSliceObject): string[] {
    const owner = objectKey({ namespace: slice.namespace, name: slice.serviceName })
    const previousOwner = this.#serviceOfSlice.get(name)
    if (previousOwner === owner && isEqual(this.#slices.get(owner)?.get(name), slice)) return []
    const changed = previousOwner === owner ? [] : this.delete(name)
    const ofService = this.#slices.get(owner) ?? new Map<string, EndpointSliceObject>()
    ofService.set(name, slice)
    this.#slices.set(owner, ofService)
    this.#serviceOfSlice.set(name, owner)
    return [...changed, owner]
  }

  /** Removes a slice, if it is here. @returns the key of its Service */
  delete(name: string): string[] {
    const owner = this.#serviceOfSlice.get(name)
    if (owner === undefined) return []
    this.#serviceOfSlice.delete(name)
    const ofService = this.#slices.get(owner)
    ofService?.delete(name)
    if (ofService?.size === 0) this.#slices.delete(owner)
    return [owner]
  }
}
