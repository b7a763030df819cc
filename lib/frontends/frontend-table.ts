import { type Endpoint } from '../model/endpoint.js'
import { type LeftOut } from '../model/endpoint-reason.js'
import { type IpFamily } from '../model/address.js'
import { type LocalAddresses } from '../model/local-addresses.js'
import { type ServicePort, type ServicePortKey } from '../model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../model/snapshot.js'
import { sameItems } from '../primitives/reuse-equal.js'
import { type AddressConflict, resolveAddressConflicts } from './address-conflicts.js'
import { type Frontend, frontendsOf } from './frontend.js'
import { LoopFilter } from './loop-filter.js'
import { type NodeEndpointFilter } from './node-endpoint-filter.js'

/** What a mode serves of a snapshot. Each part is the same object while nothing in it changes. */
export interface ResolvedFrontends {
  /** The snapshot without endpoints that are left out: see LoopFilter and NodeEndpointFilter. */
  readonly snapshot: ServiceSnapshot
  /** The frontends that are served. No two of them have the same address and port. */
  readonly frontends: readonly Frontend[]
  /** Frontends that are not served because another service port uses the same address. */
  readonly conflicts: readonly AddressConflict[]
  /** Service ports that lost an endpoint because it is an address of a Service. */
  readonly loopingPorts: readonly ServicePortKey[]
  /** Service ports that lost an endpoint because it is an address of this node and no Pod. */
  readonly nodeAddressPorts: readonly ServicePortKey[]
}

/** What a mode serves now, and why it leaves endpoints out: for people who look at a running proxy. */
export interface ServedFrontends {
  /** The last result of `resolve`; undefined before the first one. */
  readonly resolved: ResolvedFrontends | undefined
  findLeftOut(servicePort: ServicePort, endpoint: Endpoint): LeftOut | undefined
}

/**
 * Decides, for every mode alike, which service port owns an address, and which endpoints would lead back to a Service.
 *
 * Most snapshots differ from the last one in endpoints only. Frontends do not depend on those, except on whether this node
 * has any, so the table keeps the frontends of every service port that did not change.
 */
export class FrontendTable implements ServedFrontends {
  readonly #loopFilter: LoopFilter
  readonly #nodeEndpointFilter: NodeEndpointFilter | undefined
  readonly #cache = new WeakMap<
    ServicePort,
    { readonly hasOnlyRemoteEndpoints: boolean; readonly frontends: readonly Frontend[] }
  >()
  #byPort: readonly (readonly Frontend[])[] = []
  #served: readonly Frontend[] = []
  #conflicts: readonly AddressConflict[] = []
  #resolved: ResolvedFrontends | undefined

  /**
   * @param getLocalAddresses what the kernel delivers to this node; the same object while nothing changes. Called only once an
   *   endpoint has the number of a node port
   * @param nodeEndpointFilter absent: any address of this node may be an endpoint
   */
  constructor(getLocalAddresses: (family: IpFamily) => LocalAddresses, nodeEndpointFilter?: NodeEndpointFilter) {
    this.#loopFilter = new LoopFilter(getLocalAddresses)
    this.#nodeEndpointFilter = nodeEndpointFilter
  }

  get resolved(): ResolvedFrontends | undefined {
    return this.#resolved
  }

  /** @param isSupported whether the mode can serve a port at all */
  resolve(snapshot: ServiceSnapshot, isSupported: (port: ServedPort) => boolean = () => true): ResolvedFrontends {
    const byPort = [...snapshot.ports.values()].map(port => this.#frontendsOf(port))
    if (!sameItems(byPort, this.#byPort)) {
      // A Service keeps its cluster IP even if the mode cannot serve its ports.
      const { served, conflicts } = resolveAddressConflicts(byPort.flat())
      const canServe = ({ servicePort }: Frontend): boolean => isSupported(snapshot.ports.get(servicePort.key)!)
      this.#byPort = byPort
      this.#served = served.filter(canServe)
      this.#conflicts = conflicts.filter(({ loser }) => canServe(loser))
    }
    const { snapshot: withoutLoops, loopingPorts } = this.#loopFilter.apply(snapshot, this.#served)
    const { snapshot: filtered, ports: nodeAddressPorts } = this.#nodeEndpointFilter?.apply(withoutLoops) ?? {
      snapshot: withoutLoops,
      ports: [],
    }
    const [frontends, conflicts] = [this.#served, this.#conflicts]
    return (this.#resolved = { snapshot: filtered, frontends, conflicts, loopingPorts, nodeAddressPorts })
  }

  /**
   * Why the last `resolve` leaves an endpoint of the service port out; undefined if it does not. For `explainEndpoints`.
   */
  findLeftOut(servicePort: ServicePort, endpoint: Endpoint): LeftOut | undefined {
    const frontend = this.#loopFilter.findFrontend(servicePort, endpoint)
    if (frontend !== undefined) return { reason: 'service-address', detail: frontend.name }
    if (this.#nodeEndpointFilter?.isLeftOut(servicePort, endpoint) === true)
      return { reason: 'node-address', detail: '' }
    return undefined
  }

  #frontendsOf(port: ServedPort): readonly Frontend[] {
    const hasOnlyRemoteEndpoints = port.usable.local.length === 0 && port.usable.hasAny
    const cached = this.#cache.get(port.servicePort)
    if (cached?.hasOnlyRemoteEndpoints === hasOnlyRemoteEndpoints) return cached.frontends
    const frontends = frontendsOf(port)
    this.#cache.set(port.servicePort, { hasOnlyRemoteEndpoints, frontends })
    return frontends
  }
}
