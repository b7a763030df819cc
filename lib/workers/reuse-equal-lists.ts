import { type ListenerSpec } from '../dataplane/listener-plan.js'
import { reuseEqual } from '../primitives/reuse-equal.js'

/** A spec from a message, with the lists of the one before where they say the same: the data plane compares references. */
export function reuseEqualLists(spec: ListenerSpec, before: ListenerSpec | undefined): ListenerSpec {
  return {
    ...spec,
    endpoints: reuseEqual(before?.endpoints, spec.endpoints),
    sourceRanges: reuseEqual(before?.sourceRanges, spec.sourceRanges),
  }
}
