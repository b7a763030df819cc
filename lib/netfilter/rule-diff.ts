import { type ChainGroup, type Rule, type RuleSet, type TableRules } from './rule-set.js'

/**
 * Two rule sets without the chains and groups that are the same objects in both. Only the rest has to be compared. Links
 * stay.
 */
export function ruleDiff(a: RuleSet, b: RuleSet): readonly [RuleSet, RuleSet] {
  return [excludeCommon(a, b), excludeCommon(b, a)]
}

function excludeCommon(set: RuleSet, other: RuleSet): RuleSet {
  const tables = [...set.tables].map(([name, table]): [string, TableRules] => {
    const otherTable = other.tables.get(name)
    return [name, otherTable === undefined ? table : excludeCommonChains(table, otherTable)]
  })
  return { family: set.family, tables: new Map(tables) }
}

function excludeCommonChains(table: TableRules, other: TableRules): TableRules {
  const chains = new Map<string, readonly Rule[]>()
  for (const [name, rules] of table.chains) if (other.chains.get(name) !== rules) chains.set(name, rules)
  if (table.groups === undefined) return { ...table, chains }
  return { ...table, chains, groups: excludeCommonGroups(table.groups, other.groups ?? []) }
}

/** Usually one group differs: groups that are the same at both ends are not even looked up. */
function excludeCommonGroups(groups: readonly ChainGroup[], others: readonly ChainGroup[]): readonly ChainGroup[] {
  const shorter = Math.min(groups.length, others.length)
  let first = 0
  while (first < shorter && groups[first] === others[first]) first++
  let commonAtEnd = 0
  while (commonAtEnd < shorter - first && groups.at(-1 - commonAtEnd) === others.at(-1 - commonAtEnd)) commonAtEnd++
  const common = new Set(others.slice(first, others.length - commonAtEnd))
  return groups.slice(first, groups.length - commonAtEnd).filter(group => !common.has(group))
}
