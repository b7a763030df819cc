import { type Endpoint } from '../model/endpoint.js'
import { type ServicePort, type ServicePortKey } from '../model/service-port.js'

/** The service ports by the number of their node port; see `nodePortNumber`. */
export type NodePortOwners = ReadonlyMap<string, ServicePortKey>

/** A node port as an endpoint may name it: without address, since only the cluster knows the addresses of its nodes. */
export function nodePortNumber({ family, protocol }: Pick<ServicePort, 'family' | 'protocol'>, port: number): string {
  return `${family} ${port}/${protocol}`
}

/**
 * The service ports whose node ports an endpoint list may lead to: of endpoints that are no Pods and have the number of another
 * service port's node port.
 */
export function nodePortTargets(
  servicePort: ServicePort,
  endpoints: readonly Endpoint[],
  owners: NodePortOwners,
): ServicePortKey[] {
  const targets = new Set<ServicePortKey>()
  for (const endpoint of endpoints) {
    const target = targetOf(servicePort, endpoint, owners)
    if (target !== undefined) targets.add(target)
  }
  return [...targets]
}

/** The service port whose node port an endpoint may be. A service port and its node port are no pair: see findNodePortCycles. */
export function targetOf(
  servicePort: ServicePort,
  { port, isPod }: Endpoint,
  owners: NodePortOwners,
): ServicePortKey | undefined {
  const target = isPod ? undefined : owners.get(nodePortNumber(servicePort, port))
  return target === servicePort.key ? undefined : target
}

/**
 * Finds Services that lead to each other's node ports, over any number of nodes: A to a node port of B on one node, B to one of A
 * on another. A node alone cannot know that the other address is a node, but two Services whose endpoints have each other's node
 * port numbers are no coincidence. One Service whose endpoint has the number of its node port may be one: an operator likes
 * equal numbers for a server outside the cluster. The node with that address knows.
 *
 * @param targets for each service port, see `nodePortTargets`; those without targets may be missing
 * @returns for each service port in a cycle, its targets in the same cycle
 */
export function findNodePortCycles(
  targets: ReadonlyMap<ServicePortKey, readonly ServicePortKey[]>,
): Map<ServicePortKey, ReadonlySet<ServicePortKey>> {
  const reachable = (start: ServicePortKey): ReadonlySet<ServicePortKey> => {
    const seen = new Set<ServicePortKey>()
    const open = [start]
    for (let key = open.pop(); key !== undefined; key = open.pop())
      for (const target of targets.get(key) ?? [])
        if (!seen.has(target)) {
          seen.add(target)
          open.push(target)
        }
    return seen
  }
  const cycles = new Map<ServicePortKey, ReadonlySet<ServicePortKey>>()
  for (const [key, own] of targets) {
    const inCycle = own.filter(target => reachable(target).has(key))
    if (inCycle.length > 0) cycles.set(key, new Set(inCycle))
  }
  return cycles
}
