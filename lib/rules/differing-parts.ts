import { type ChainGroup, type Rule, type RuleSet, type TableRules } from './rule-set.js'

/**
 * Two rule sets without the chains and groups that they have in common as the same objects: what is left is all there is to
 * compare. Links are kept.
 */
export function differingParts(a: RuleSet, b: RuleSet): readonly [RuleSet, RuleSet] {
  return [without(a, b), without(b, a)]
}

function without(set: RuleSet, other: RuleSet): RuleSet {
  const tables = [...set.tables].map(([name, table]): [string, TableRules] => {
    const beside = other.tables.get(name)
    return [name, beside === undefined ? table : tableWithout(table, beside)]
  })
  return { family: set.family, tables: new Map(tables) }
}

function tableWithout(table: TableRules, beside: TableRules): TableRules {
  const chains = new Map<string, readonly Rule[]>()
  for (const [name, rules] of table.chains) if (beside.chains.get(name) !== rules) chains.set(name, rules)
  if (table.groups === undefined) return { ...table, chains }
  return { ...table, chains, groups: groupsWithout(table.groups, beside.groups ?? []) }
}

/** Most often but one differs: what is the same at both ends is not even looked up. */
function groupsWithout(groups: readonly ChainGroup[], beside: readonly ChainGroup[]): readonly ChainGroup[] {
  const shorter = Math.min(groups.length, beside.length)
  let first = 0
  while (first < shorter && groups[first] === beside[first]) first++
  let after = 0
  while (after < shorter - first && groups.at(-1 - after) === beside.at(-1 - after)) after++
  const known = new Set(beside.slice(first, beside.length - after))
  return groups.slice(first, groups.length - after).filter(group => !known.has(group))
}
