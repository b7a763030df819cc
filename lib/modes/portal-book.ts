import { type ServicePort } from '../model/service-port.js'
import { type ServedPort } from '../model/snapshot.js'
import { type ClaimConflict, settleClaims } from './claims.js'
import { type Portal, portalsOf } from './portals.js'

/**
 * The portals of a snapshot, worked out anew only where something about them changed. Most snapshots differ from the last in
 * endpoints alone, which portals do not depend on, but for whether there are any here.
 */
export class PortalBook {
  readonly #pages = new WeakMap<ServicePort, { readonly isElsewhere: boolean; readonly portals: readonly Portal[] }>()
  #last: readonly (readonly Portal[])[] = []
  #settled: { readonly served: readonly Portal[]; readonly conflicts: readonly ClaimConflict[] } = {
    served: [],
    conflicts: [],
  }

  /** The portals that are served, and those that another Service was given; the same objects while nothing changed. */
  settle(ports: readonly ServedPort[]): {
    readonly served: readonly Portal[]
    readonly conflicts: readonly ClaimConflict[]
  } {
    const pages = ports.map(port => this.#pageOf(port))
    if (pages.length === this.#last.length && pages.every((page, index) => page === this.#last[index]))
      return this.#settled
    this.#last = pages
    this.#settled = settleClaims(pages.flat())
    return this.#settled
  }

  #pageOf(port: ServedPort): readonly Portal[] {
    const isElsewhere = port.usable.local.length === 0 && port.usable.hasAny
    const known = this.#pages.get(port.servicePort)
    if (known?.isElsewhere === isElsewhere) return known.portals
    const portals = portalsOf(port)
    this.#pages.set(port.servicePort, { isElsewhere, portals })
    return portals
  }
}
