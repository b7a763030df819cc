import { type ListenerSpec } from '../dataplane/listener-plan.js'
import { type ServicePortKey } from '../model/service-port.js'
import { reuseEqual } from '../primitives/reuse-equal.js'
import { type WorkerCommand } from './worker-messages.js'

/** A message with one part of a plan. */
export type PlanPart = Extract<WorkerCommand, { readonly kind: 'plan' }>

/** The most listeners and endpoints of one message. Reading it takes about a millisecond, and connections wait meanwhile. */
const MAX_LISTENERS_PER_PART = 200
const MAX_ENDPOINTS_PER_PART = 2000

/** Turns the changes of a plan into messages of limited length. */
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

/**
 * A listener from a message, with the lists of the earlier spec where they have equal content. The data plane compares lists by
 * reference, and a message always creates new ones.
 */
export function reuseEqualLists(spec: ListenerSpec, before: ListenerSpec | undefined): ListenerSpec {
  return {
    ...spec,
    endpoints: reuseEqual(before?.endpoints, spec.endpoints),
    sourceRanges: reuseEqual(before?.sourceRanges, spec.sourceRanges),
  }
}
