import { type IpFamily } from '../model/address.js'
import { type EndpointSliceObject, type ServiceObject } from '../model/objects.js'
import { type ServicePortKey } from '../model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../model/snapshot.js'
import { isEqual, reuseEqual } from '../primitives/reuse-equal.js'
import { type ObjectChanges } from './object-store.js'
import { endpointsOf } from './endpoints.js'
import { servicePorts } from './service-ports.js'
import { usableEndpoints } from './usable-endpoints.js'

/** The objects that a snapshot is built from; an ObjectStore has them. */
export interface Objects {
  readonly services: ReadonlyMap<string, ServiceObject>
  slicesOf(serviceKey: string): Iterable<EndpointSliceObject>
  readonly node: { readonly zone: string } | undefined
}

/** What this proxy serves: from which node, in which IP families. */
export interface SnapshotScope {
  /** Name of the Node that the proxy runs on. */
  readonly nodeName: string
  readonly families: readonly IpFamily[]
  /** Whether `loadBalancerSourceRanges` apply to node ports too. */
  readonly rangesAtNodePorts: boolean
}

/**
 * Builds the next snapshot: computes the entries of changed Services, and takes all others over from `previous`. An entry that
 * comes out equal is the same object as before, and so is each list of endpoints in it: code that compares references
 * downstream sees exactly what changed.
 */
export function buildSnapshot(
  objects: Objects,
  changes: Pick<ObjectChanges, 'services' | 'endpoints' | 'node'>,
  scope: SnapshotScope,
  previous: ServiceSnapshot,
): ServiceSnapshot {
  const node = { name: scope.nodeName, zone: objects.node?.zone ?? '' }
  const changed = changes.node ? new Set([...objects.services.keys(), ...changes.services]) : union(changes)
  const rebuilt = new Map<ServicePortKey, ServedPort>()
  for (const serviceKey of changed) {
    const service = objects.services.get(serviceKey)
    if (service === undefined) continue
    for (const family of scope.families) {
      for (const servicePort of servicePorts(service, family, scope.rangesAtNodePorts)) {
        const endpoints = endpointsOf(servicePort, objects.slicesOf(serviceKey), node)
        const usable = usableEndpoints(servicePort, endpoints, node)
        const previousPort = previous.ports.get(servicePort.key)
        rebuilt.set(servicePort.key, reuseParts(previousPort, { servicePort, endpoints, usable }))
      }
    }
  }
  // Entries that stay keep their position: rules follow this order, and a change of endpoints must not reorder rules.
  const ports = new Map(previous.ports)
  for (const key of previous.ports.keys()) if (changed.has(serviceOf(key)) && !rebuilt.has(key)) ports.delete(key)
  for (const [key, served] of rebuilt) ports.set(key, served)
  return { generation: previous.generation + 1, ports }
}

/** The Service of a service port key `family/namespace/name:port/protocol`; names contain neither "/" nor ":". */
function serviceOf(key: ServicePortKey): string {
  const [, namespace, name] = key.split('/')
  return `${namespace}/${name!.split(':', 1)[0]}`
}

function union({ services, endpoints }: Pick<ObjectChanges, 'services' | 'endpoints'>): Set<string> {
  return new Set([...services, ...endpoints])
}

/** The entry of before where nothing has changed, else a new one with the parts of before that have not changed. */
function reuseParts(before: ServedPort | undefined, after: ServedPort): ServedPort {
  if (before === undefined) return after
  const reused = {
    servicePort: reuseEqual(before.servicePort, after.servicePort),
    endpoints: reuseEqual(before.endpoints, after.endpoints),
    usable: {
      cluster: reuseEqual(before.usable.cluster, after.usable.cluster),
      local: reuseEqual(before.usable.local, after.usable.local),
      hasAny: after.usable.hasAny,
    },
  }
  return isEqual(before, reused) ? before : reused
}
