import { type ExplainedStep, type PacketEnds } from '../../../explain/explanation.js'

/** A step, and the addresses of the packet before and after it. */
export interface StepWithEnds {
  readonly step: ExplainedStep
  readonly before: PacketEnds
  readonly after: PacketEnds
}

/** Follows the addresses of a packet through its steps. @param start its addresses before the first one */
export function packetEnds(steps: readonly ExplainedStep[], start: PacketEnds): StepWithEnds[] {
  let ends = start
  return steps.map(step => {
    const before = step.before ?? ends
    ends = step.after ?? before
    return { step, before, after: ends }
  })
}
