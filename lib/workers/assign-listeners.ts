import { type ListenerPlan, type ListenerSpec, hasConnectionLimit } from '../dataplane/listener-plan.js'
import { type ServicePortKey } from '../model/service-port.js'

/** The number of a worker's slot in the pool, from 0. A worker that replaces another one has the same number. */
export type WorkerId = number

/** Which worker holds which listener. */
export interface Assignment {
  /** The workers that hold each listener; empty while no worker runs. */
  readonly holders: ReadonlyMap<ServicePortKey, readonly WorkerId[]>
  /** The worker of each Service, for the listeners that only one worker may hold. */
  readonly owners: ReadonlyMap<string, WorkerId>
}

/** The assignment before the first one. */
export const NOTHING_ASSIGNED: Assignment = { holders: new Map(), owners: new Map() }

/**
 * Whether several workers may hold a listener. They may not if a decision depends on other clients: the datagrams of a UDP
 * client are one flow, ClientIP affinity needs one table, and limits and some balancers count connections.
 */
export function isShareable(spec: ListenerSpec): boolean {
  const { protocol, affinityMs, balancer } = spec
  return protocol === 'TCP' && affinityMs === undefined && balancer === 'round-robin' && !hasConnectionLimit(spec)
}

/**
 * Assigns listeners to workers. Every worker holds the shareable listeners. One worker holds all other listeners of a Service,
 * for as long as it runs: a move would lose flows and affinity. A new owner is the worker with the highest hash for the Service
 * (rendezvous hashing), so that a worker that starts or exits changes only its own listeners.
 *
 * @param running workers that can take listeners
 * @param mayShare false: each listener has one worker
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
  let bestScore = -1
  for (const worker of running) {
    const score = hash(`${worker} ${service}`)
    if (score > bestScore) [best, bestScore] = [worker, score]
  }
  return best
}

/** FNV-1a with the finisher of MurmurHash3, in 32 bits. Without the finisher the last letters hardly change the high bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
