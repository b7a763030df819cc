import { type Mode } from '../modes/mode.js'
import { type RuleTables } from '../netfilter/rule-tables.js'
import { owns } from '../netfilter/stale-chains.js'

/**
 * The mode that has most likely written the rules in the kernel. Only chains that belong to a single mode count: an old kubelet makes some
 * of those that several modes share. Undefined: the kernel has no such chain.
 */
export function detectMode(modes: readonly Mode[], rules: Iterable<RuleTables>): Mode | undefined {
  const counts = new Map<Mode, number>()
  for (const { tables } of rules)
    for (const [table, chains] of tables)
      for (const chain of chains.keys()) {
        const [owner, ...others] = modes.filter(mode => owns(mode.chains, table, chain))
        if (owner !== undefined && others.length === 0) counts.set(owner, (counts.get(owner) ?? 0) + 1)
      }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0]
}
