import { type IpFamily } from '../model/address.js'
import { type Endpoint } from '../model/endpoint.js'
import { type EndpointSliceObject, type ServiceObject } from '../model/objects.js'
import { type ServicePortKey } from '../model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../model/snapshot.js'
import { type ObjectChanges } from './object-store.js'
import { endpointsOf } from './endpoints.js'
import { servicePorts } from './service-ports.js'
import { usableEndpoints } from './usable-endpoints.js'

/** What a snapshot is built from; an ObjectStore is one. */
export interface Objects {
  readonly services: ReadonlyMap<string, ServiceObject>
  slicesOf(serviceKey: string): Iterable<EndpointSliceObject>
  readonly node: { readonly zone: string } | undefined
}

/** Which part of the world this proxy serves. */
export interface SnapshotScope {
  readonly nodeName: string
  readonly families: readonly IpFamily[]
  /** Whether `loadBalancerSourceRanges` count for node ports too. */
  readonly rangesAtNodePorts: boolean
}

/**
 * The next snapshot: entries of changed Services are made anew, all others are taken over from `previous` as they are. An
 * entry, and each list of endpoints in it, that comes out equal keeps its identity too, so that whoever compares
 * references downstream sees exactly what changed.
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
        const endpoints = endpointsOf(servicePort, objects.slicesOf(serviceKey), scope.nodeName)
        const usable = usableEndpoints(servicePort, endpoints, node)
        rebuilt.set(
          servicePort.key,
          reuseEqual(previous.ports.get(servicePort.key), { servicePort, endpoints, usable }),
        )
      }
    }
  }
  // What stays keeps its place: rules are written in this order, and a change of endpoints must not look like one of rules.
  const ports = new Map(previous.ports)
  for (const key of previous.ports.keys()) if (changed.has(serviceOf(key)) && !rebuilt.has(key)) ports.delete(key)
  for (const [key, served] of rebuilt) ports.set(key, served)
  return { generation: previous.generation + 1, ports }
}

/** The Service of a service port key `family/namespace/name:port/protocol`: names hold neither "/" nor ":". */
function serviceOf(key: ServicePortKey): string {
  const [, namespace, name] = key.split('/')
  return `${namespace}/${name!.split(':', 1)[0]}`
}

function union({ services, endpoints }: Pick<ObjectChanges, 'services' | 'endpoints'>): Set<string> {
  return new Set([...services, ...endpoints])
}

function reuseEqual(before: ServedPort | undefined, after: ServedPort): ServedPort {
  if (before === undefined) return after
  const reused = {
    servicePort: equal(before.servicePort, after.servicePort) ? before.servicePort : after.servicePort,
    endpoints: equal(before.endpoints, after.endpoints) ? before.endpoints : after.endpoints,
    usable: {
      cluster: reuseEndpoints(before.usable.cluster, after.usable.cluster),
      local: reuseEndpoints(before.usable.local, after.usable.local),
      hasAny: after.usable.hasAny,
    },
  }
  return equal(before, reused) ? before : reused
}

function reuseEndpoints(before: readonly Endpoint[], after: readonly Endpoint[]): readonly Endpoint[] {
  return equal(before, after) ? before : after
}

/** Entries are plain data with a fixed field order. */
function equal(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}
