import { type IpFamily } from '../model/address.js'
import { type Mode } from '../modes/mode.js'
import { type RuleTables } from '../netfilter/rule-tables.js'
import { owns } from '../netfilter/stale-chains.js'

/** The mode whose chains are in the kernel: that which owns the most chains that no other mode owns. Undefined: none has any. */
export function detectMode(modes: readonly Mode[], rules: Iterable<readonly [IpFamily, RuleTables]>): Mode | undefined {
  const counts = new Map<Mode, number>()
  for (const [, { tables }] of rules)
    for (const [table, chains] of tables)
      for (const chain of chains.keys()) {
        const [owner, ...others] = modes.filter(mode => owns(mode.chains, table, chain))
        if (owner !== undefined && others.length === 0) counts.set(owner, (counts.get(owner) ?? 0) + 1)
      }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0]
}
