import { type IpSet, type ObservedSet, setHeader, swapName } from '../../system/ip-set-text.js'
import { type RefusedSetLine } from '../../system/restore-sets.js'

/** The sets in the kernel, by name. */
export type ObservedSets = ReadonlyMap<string, ObservedSet>
/** The sets of a plan, by name. */
type DesiredSets = ReadonlyMap<string, IpSet>

/*
 * What is in the kernel after a change, without reading it. What was refused is not as desired, so that the next write tries it again.
 */

/** What the sets have after additions of which some were refused. */
export function setsAfterAdditions(
  sets: DesiredSets,
  before: ObservedSets,
  refused: readonly RefusedSetLine[],
): ObservedSets {
  const refusedLines = new Set(refused.map(({ line }) => line))
  return setsAfter(sets, before, (set, known) => {
    // A set that is replaced gets its entries under the name of the other one.
    const target = known !== undefined && known.header !== setHeader(set) ? swapName(set) : set.name
    const surplus = [...(known?.entries ?? [])].filter(entry => !set.entries.has(entry))
    const present = [...set.entries].filter(entry => !refusedLines.has(`add ${target} ${entry}`))
    return [...present, ...surplus]
  })
}

/** The same after removals. */
export function setsAfterRemovals(
  sets: DesiredSets,
  before: ObservedSets,
  refused: readonly RefusedSetLine[],
): ObservedSets {
  const refusedLines = new Set(refused.map(({ line }) => line))
  return setsAfter(sets, before, ({ name, entries }, known) =>
    [...(known?.entries ?? entries)].filter(entry => entries.has(entry) || refusedLines.has(`del ${name} ${entry}`)),
  )
}

/** @param entriesOf what a set has then, if it was not as desired before */
function setsAfter(
  sets: DesiredSets,
  before: ObservedSets,
  entriesOf: (set: IpSet, known: ObservedSet | undefined) => readonly string[],
): ObservedSets {
  const after = new Map(before)
  for (const [name, set] of sets) {
    const known = before.get(name)
    if (known?.entries === set.entries) continue
    const entries = entriesOf(set, known)
    const isDesired = entries.length === set.entries.size && entries.every(entry => set.entries.has(entry))
    // Later comparisons recognise the desired entries as the same object.
    after.set(name, { header: setHeader(set), entries: isDesired ? set.entries : new Set(entries) })
  }
  return after
}
