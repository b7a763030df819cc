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
  const after = new Map(before)
  for (const [name, set] of sets) {
    const observed = before.get(name)
    if (observed?.entries === set.entries) continue
    const surplus = [...(observed?.entries ?? [])].filter(entry => !set.entries.has(entry))
    // A set that is replaced gets its entries under the name of the other one.
    const isReplaced = observed !== undefined && observed.header !== setHeader(set)
    const isRefused = (entry: string): boolean => refusedLines.has(`add ${isReplaced ? swapName(set) : name} ${entry}`)
    const missing = refused.length === 0 ? [] : [...set.entries].filter(isRefused)
    const entries = surplus.length + missing.length === 0 ? set.entries : new Set([...set.entries, ...surplus])
    for (const entry of missing) (entries as Set<string>).delete(entry)
    after.set(name, { header: setHeader(set), entries })
  }
  return after
}

/** The same after removals. */
export function setsAfterRemovals(
  sets: DesiredSets,
  before: ObservedSets,
  refused: readonly RefusedSetLine[],
): ObservedSets {
  const refusedLines = new Set(refused.map(({ line }) => line))
  const after = new Map(before)
  for (const [name, set] of sets) {
    const known = before.get(name)?.entries
    if (known === set.entries) continue
    const isPresent = (entry: string): boolean => set.entries.has(entry) || refusedLines.has(`del ${name} ${entry}`)
    const present = known === undefined ? [] : [...known].filter(isPresent)
    const isDesired =
      known === undefined || (present.length === set.entries.size && present.every(one => set.entries.has(one)))
    const entries = isDesired ? set.entries : new Set(present)
    after.set(name, { header: setHeader(set), entries })
  }
  return after
}
