import { type ServicePort } from '../model/service-port.js'
import { type ServedPort } from '../model/snapshot.js'
import { type AddressConflict, resolveAddressConflicts } from './address-conflicts.js'
import { type Frontend, frontendsOf } from './frontend.js'

/**
 * The portals of a snapshot, worked out anew only where something about them changed. Most snapshots differ from the last in
 * endpoints alone, which portals do not depend on, but for whether there are any here.
 */
export class FrontendCache {
  readonly #entries = new WeakMap<
    ServicePort,
    { readonly hasOnlyRemoteEndpoints: boolean; readonly frontends: readonly Frontend[] }
  >()
  #lastEntries: readonly (readonly Frontend[])[] = []
  #resolved: { readonly served: readonly Frontend[]; readonly conflicts: readonly AddressConflict[] } = {
    served: [],
    conflicts: [],
  }

  /** The portals that are served, and those that another Service was given; the same objects while nothing changed. */
  resolve(ports: readonly ServedPort[]): {
    readonly served: readonly Frontend[]
    readonly conflicts: readonly AddressConflict[]
  } {
    const entries = ports.map(port => this.#lookup(port))
    if (
      entries.length === this.#lastEntries.length &&
      entries.every((page, index) => page === this.#lastEntries[index])
    )
      return this.#resolved
    this.#lastEntries = entries
    this.#resolved = resolveAddressConflicts(entries.flat())
    return this.#resolved
  }

  #lookup(port: ServedPort): readonly Frontend[] {
    const hasOnlyRemoteEndpoints = port.usable.local.length === 0 && port.usable.hasAny
    const cached = this.#entries.get(port.servicePort)
    if (cached?.hasOnlyRemoteEndpoints === hasOnlyRemoteEndpoints) return cached.frontends
    const frontends = frontendsOf(port)
    this.#entries.set(port.servicePort, { hasOnlyRemoteEndpoints, frontends })
    return frontends
  }
}
