import { type ListenerPlan, type ListenerSpec, hasConnectionLimit } from '../dataplane/listener-plan.js'
import { type ServicePortKey } from '../model/service-port.js'

/** A worker by its place in the pool, from 0; one that was started in place of another has its place. */
export type WorkerId = number

export interface Assignment {
  /** Which workers hold each listener; nobody when there is no worker. */
  readonly holders: ReadonlyMap<ServicePortKey, readonly WorkerId[]>
  /** The worker of each Service, for its listeners that one worker has to hold. */
  readonly owners: ReadonlyMap<string, WorkerId>
}

export const NOTHING_ASSIGNED: Assignment = { holders: new Map(), owners: new Map() }

/**
 * Whether several workers may hold a listener. Not where something has to be known of other clients: the datagrams of one
 * UDP client are one flow, ClientIP affinity has to have one truth, and limits and some balancers count connections.
 */
export function isShareable(spec: ListenerSpec): boolean {
  const { protocol, affinityMs, balancer } = spec
  return protocol === 'TCP' && affinityMs === undefined && balancer === 'round-robin' && !hasConnectionLimit(spec)
}

/**
 * Says who holds which listener: every worker what may be shared, one worker what may not, and all such listeners of a Service
 * the same. That one stays as long as it runs, since flows and affinity would be lost by a move. Otherwise a hash decides, by
 * which a worker that goes or comes concerns its own listeners only (rendezvous hashing: the highest mark for the Service).
 *
 * @param running workers that can take listeners
 * @param mayShare false: every listener is held by one worker
 * @param before the last assignment
 */
export function assignListeners(
  plan: ListenerPlan,
  running: readonly WorkerId[],
  mayShare: boolean,
  before: Assignment,
): Assignment {
  const holders = new Map<ServicePortKey, readonly WorkerId[]>()
  const owners = new Map<string, WorkerId>()
  for (const [key, spec] of plan) {
    if (mayShare && isShareable(spec)) {
      holders.set(key, running)
      continue
    }
    const service = `${spec.namespace}/${spec.service}`
    const owner = owners.get(service) ?? ownerOf(service, running, before.owners.get(service))
    if (owner !== undefined) owners.set(service, owner)
    holders.set(key, owner === undefined ? [] : [owner])
  }
  return { holders, owners }
}

function ownerOf(service: string, running: readonly WorkerId[], before: WorkerId | undefined): WorkerId | undefined {
  if (before !== undefined && running.includes(before)) return before
  let best: WorkerId | undefined
  let bestMark = -1
  for (const worker of running) {
    const mark = hash(`${worker} ${service}`)
    if (mark > bestMark) [best, bestMark] = [worker, mark]
  }
  return best
}

/** FNV-1a, and the finisher of MurmurHash3, without which the last letters hardly count for the high bits. 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
