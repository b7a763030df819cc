import { type FoundRules, type FoundTable } from './found-rules.js'
import { type RestoreText, asFound, restoreText } from './restore-text.js'
import { type ChainGroup, type Rule, type RuleSet, type TableRules } from './rule-set.js'

/** Texts to be restored one after the other before all else, and what is there then. */
export interface GroupPortions {
  readonly texts: readonly RestoreText[]
  readonly found: FoundRules
}

/**
 * Groups of chains that are new, in portions. Nothing leads to them yet, so that they may come before the text that makes all
 * the difference at once: some programs take far longer for many chains than for as many in portions.
 *
 * @param chainsAtOnce with no more new chains than these there are no portions
 */
export function groupPortions(wanted: RuleSet, found: FoundRules, chainsAtOnce: number): GroupPortions {
  const texts: RestoreText[] = []
  const foundThen = new Map(found)
  for (const [name, table] of wanted.tables) {
    const portions = portionsOf(newGroups(table, found.get(name)), chainsAtOnce)
    if (portions.length < 2) continue
    const then = new Map(found.get(name))
    foundThen.set(name, then)
    for (const groups of portions) {
      const portion = portionSet(wanted, name, { groups, missing: missingChains(table, then) })
      texts.push(restoreText(portion, new Map()))
      for (const [chain, rules] of asFound(portion).get(name)!) then.set(chain, rules)
    }
  }
  return { texts, found: foundThen }
}

function newGroups({ groups = [] }: TableRules, found: FoundTable = new Map()): ChainGroup[] {
  return groups.filter(({ chains }) => chains.size > 0 && [...chains.keys()].every(chain => !found.has(chain)))
}

function portionsOf(groups: readonly ChainGroup[], chainsAtOnce: number): ChainGroup[][] {
  const portions: ChainGroup[][] = []
  let room = 0
  for (const group of groups) {
    if (group.chains.size > room) {
      portions.push([])
      room = Math.max(chainsAtOnce, group.chains.size)
    }
    portions.at(-1)!.push(group)
    room -= group.chains.size
  }
  return portions
}

/** Chains that the groups may lead to have to be there; what is in them comes later. */
function missingChains({ chains }: TableRules, found: FoundTable = new Map()): [string, readonly Rule[]][] {
  return [...chains.keys()].filter(chain => !found.has(chain)).map(chain => [chain, []])
}

function portionSet(
  { family }: RuleSet,
  name: string,
  { groups, missing }: { groups: readonly ChainGroup[]; missing: readonly [string, readonly Rule[]][] },
): RuleSet {
  return { family, tables: new Map([[name, { chains: new Map(missing), groups, links: [] }]]) }
}
