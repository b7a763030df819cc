import { type ListenerSpec } from '../dataplane/listener-plan.js'
import { type ServicePortKey } from '../model/service-port.js'
import { type WorkerCommand } from './worker-messages.js'

export type PlanPart = Extract<WorkerCommand, { readonly kind: 'plan' }>

/** Listeners and endpoints of one message at most: reading it takes about a millisecond, for which connections wait. */
const MAX_LISTENERS_PER_PART = 200
const MAX_ENDPOINTS_PER_PART = 2000

/** Some changes of a plan as messages, of which none is long. */
export function splitPlan(
  generation: number,
  set: readonly ListenerSpec[],
  drop: readonly ServicePortKey[],
): PlanPart[] {
  const parts: PlanPart[] = []
  let part: ListenerSpec[] = []
  let endpoints = 0
  for (const spec of set) {
    const isFull = part.length >= MAX_LISTENERS_PER_PART || endpoints + spec.endpoints.length > MAX_ENDPOINTS_PER_PART
    if (part.length > 0 && isFull) {
      parts.push({ kind: 'plan', generation, set: part, drop: [], isLast: false })
      part = []
      endpoints = 0
    }
    part.push(spec)
    endpoints += spec.endpoints.length
  }
  parts.push({ kind: 'plan', generation, set: part, drop, isLast: true })
  return parts
}
