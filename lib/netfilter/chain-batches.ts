import { type ObservedRules, type ObservedTable } from './iptables-save.js'
import { type RestoreInput, observedAfter, restoreInput } from './iptables-restore.js'
import { type ChainGroup, type Rule, type RuleSet, type TableRules } from './rule-set.js'

/** Texts to restore one after the other before the rest, and the rules in the kernel after them. */
export interface ChainBatches {
  readonly inputs: readonly RestoreInput[]
  readonly observed: ObservedRules
}

/**
 * Splits new chain groups into batches. No rule leads to these chains yet, so they can be restored before the one text that
 * applies all other changes at once. Some versions of iptables-restore take far longer for many chains than for the same
 * chains in batches.
 *
 * @param maxChainsPerRestore with no more new chains than this, there are no batches
 */
export function chainBatches(desired: RuleSet, observed: ObservedRules, maxChainsPerRestore: number): ChainBatches {
  const inputs: RestoreInput[] = []
  const finalRules = new Map(observed)
  for (const [name, table] of desired.tables) {
    const batches = splitBatches(newGroups(table, observed.get(name)), maxChainsPerRestore)
    if (batches.length < 2) continue
    const tableAfter = new Map(observed.get(name))
    finalRules.set(name, tableAfter)
    for (const groups of batches) {
      const batch = batchRuleSet(desired, name, { groups, missing: missingChains(table, tableAfter) })
      inputs.push(restoreInput(batch, new Map()))
      for (const [chain, rules] of observedAfter(batch).get(name)!) tableAfter.set(chain, rules)
    }
  }
  return { inputs, observed: finalRules }
}

function newGroups({ groups = [] }: TableRules, observed: ObservedTable = new Map()): ChainGroup[] {
  return groups.filter(({ chains }) => chains.size > 0 && [...chains.keys()].every(chain => !observed.has(chain)))
}

function splitBatches(groups: readonly ChainGroup[], maxChainsPerRestore: number): ChainGroup[][] {
  const batches: ChainGroup[][] = []
  let capacity = 0
  for (const group of groups) {
    if (group.chains.size > capacity) {
      batches.push([])
      capacity = Math.max(maxChainsPerRestore, group.chains.size)
    }
    batches.at(-1)!.push(group)
    capacity -= group.chains.size
  }
  return batches
}

/** Chains that the groups may jump to must exist; their rules come later. */
function missingChains({ chains }: TableRules, observed: ObservedTable = new Map()): [string, readonly Rule[]][] {
  return [...chains.keys()].filter(chain => !observed.has(chain)).map(chain => [chain, []])
}

function batchRuleSet(
  { family }: RuleSet,
  name: string,
  { groups, missing }: { groups: readonly ChainGroup[]; missing: readonly [string, readonly Rule[]][] },
): RuleSet {
  return { family, tables: new Map([[name, { chains: new Map(missing), groups, links: [] }]]) }
}
