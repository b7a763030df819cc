import { type ListenerSpec } from '../dataplane/listener-plan.js'

/** A spec that came in a message, with the lists of the one before where they say the same: the data plane compares references. */
export function reuseEqualLists(spec: ListenerSpec, before: ListenerSpec | undefined): ListenerSpec {
  if (before === undefined) return spec
  return {
    ...spec,
    endpoints: hasEqualItems(spec.endpoints, before.endpoints) ? before.endpoints : spec.endpoints,
    sourceRanges: hasEqualItems(spec.sourceRanges, before.sourceRanges) ? before.sourceRanges : spec.sourceRanges,
  }
}

/** Whether two lists of flat objects say the same. */
function hasEqualItems(a: readonly object[] | undefined, b: readonly object[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.length === b.length && a.every((item, index) => hasEqualFields(item, b[index]!))
}

function hasEqualFields(a: object, b: object): boolean {
  const fields = Object.entries(a)
  return (
    fields.length === Object.keys(b).length &&
    fields.every(([name, value]) => (b as Record<string, unknown>)[name] === value)
  )
}
