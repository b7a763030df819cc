import { type IpAddress, type IpFamily } from '../model/address.js'
import { type ServicePortKey } from '../model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../model/snapshot.js'
import { type AddressConflict } from './address-conflicts.js'
import { type Frontend } from './frontend.js'
import { FrontendCache } from './frontend-cache.js'
import { LoopFilter } from './loop-filter.js'

/** What a mode serves of a snapshot. Each part is the same object while nothing of it changed. */
export interface ResolvedFrontends {
  /** The snapshot without endpoints that lead back to a Service. */
  readonly snapshot: ServiceSnapshot
  /** Addresses and ports that are served, each for one service port. */
  readonly frontends: readonly Frontend[]
  /** Addresses that two service ports use. */
  readonly conflicts: readonly AddressConflict[]
  /** Service ports of which some endpoint is left out, because it is an address of a Service. */
  readonly loopingPorts: readonly ServicePortKey[]
}

/** Decides for every mode alike which Service has an address, and which endpoints lead back to a Service. */
export class FrontendTable {
  readonly #cache = new FrontendCache()
  readonly #loopFilter: LoopFilter

  /** @param nodeAddresses the node's own addresses of a family, without loopback; read only where they matter */
  constructor(nodeAddresses: (family: IpFamily) => readonly IpAddress[]) {
    this.#loopFilter = new LoopFilter(nodeAddresses)
  }

  /** @param isSupported whether the mode can serve a port at all */
  resolve(snapshot: ServiceSnapshot, isSupported: (port: ServedPort) => boolean = () => true): ResolvedFrontends {
    const { served, conflicts } = this.#cache.resolve([...snapshot.ports.values()].filter(isSupported))
    const { snapshot: filtered, loopingPorts } = this.#loopFilter.apply(snapshot, served)
    return { snapshot: filtered, frontends: served, conflicts, loopingPorts }
  }
}
