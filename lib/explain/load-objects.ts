import { type IpAddress, type IpFamily, IP_FAMILIES, familyOf } from '../model/address.js'
import { type ObjectKind } from '../model/objects.js'
import { fields } from '../snapshot/decoded.js'
import { ObjectStore } from '../snapshot/object-store.js'

/** An object of a manifest. */
export interface RawObject {
  readonly kind: ObjectKind
  readonly raw: unknown
}

const KINDS: readonly ObjectKind[] = ['Service', 'EndpointSlice', 'Endpoints', 'Node']

/** Puts objects into a store, as the proxy of a node sees them. */
export function loadObjects(objects: readonly RawObject[], nodeName: string): ObjectStore {
  const store = new ObjectStore(nodeName)
  for (const kind of KINDS)
    store.replace(
      kind,
      objects.filter(object => object.kind === kind).map(({ raw }) => raw),
    )
  return store
}

/**
 * The node to explain, if the operator names none: the only Node of the objects, or the only node that endpoints are on, or this machine.
 * @param hostName of this machine
 */
export function chooseNodeName(objects: readonly RawObject[], hostName: string): string {
  const nodes = objects.filter(({ kind }) => kind === 'Node').map(({ raw }) => fields(fields(raw)['metadata'])['name'])
  const inSlices = objects.filter(({ kind }) => kind === 'EndpointSlice').flatMap(({ raw }) => nodeNames(raw))
  const names = (nodes.length > 0 ? nodes : inSlices).filter(name => typeof name === 'string').sort()
  return names.includes(hostName) ? hostName : (names[0] ?? hostName)
}

function nodeNames(slice: unknown): unknown[] {
  const { endpoints } = fields(slice)
  return Array.isArray(endpoints) ? endpoints.map(endpoint => fields(endpoint)['nodeName']) : []
}

/** The families of the Services and of these addresses; IPv4 if there is none. */
export function familiesOf({ services }: ObjectStore, addresses: readonly IpAddress[]): IpFamily[] {
  const all = [...[...services.values()].flatMap(({ clusterIPs }) => clusterIPs), ...addresses]
  const found = IP_FAMILIES.filter(family => all.some(ip => familyOf(ip) === family))
  return found.length > 0 ? found : ['IPv4']
}

/** Addresses of endpoints that the objects place on this node. */
export function localEndpoints(store: ObjectStore, nodeName: string): IpAddress[] {
  const slices = [...store.services.keys()].flatMap(key => [...store.slicesOf(key)])
  const endpoints = slices.flatMap(slice => slice.endpoints).filter(endpoint => endpoint.nodeName === nodeName)
  return [...new Set(endpoints.map(({ ip }) => ip))]
}
