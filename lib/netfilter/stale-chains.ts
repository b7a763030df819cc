import { FORWARD, HAND_OVER_PREFIX, MARK_MASQ } from './chain-names.js'
import { type ObservedRules } from './iptables-save.js'

/** The chains of a mode in one table: by their names, and by how names begin. */
export interface TableChains {
  readonly names: readonly string[]
  readonly prefixes: readonly string[]
}

/**
 * The chains of a mode by table. KUBE-FIREWALL and KUBE-MARK-DROP in filter and nat are the kubelet's as well: no mode of
 * rules owns them.
 */
export type OwnedChains = ReadonlyMap<string, TableChains>

/** The chains of no mode: a proxy that was killed during a hand-over leaves one. */
export const HAND_OVER_CHAINS: OwnedChains = new Map([['mangle', { names: [], prefixes: [HAND_OVER_PREFIX] }]])

/** Whose chains stay, and whose go. */
export interface ChainOwners {
  /** Of the mode that serves; undefined: none does. */
  readonly own: OwnedChains | undefined
  readonly others: readonly OwnedChains[]
}

/** Kubelets before 1.28 make it too, and others use it to have packets masqueraded: it goes only when no rule leads to it. */
export const SHARED_CHAINS: ReadonlySet<string> = new Set([MARK_MASQ])

/**
 * The observed chains that belong to another mode, and not to the one that serves: table name to chain names.
 *
 * KUBE-FORWARD goes last: on a node that drops what it does not know, it lets the packets of connections through that a
 * kernel mode has begun. The process after the one that took over finds it alone, and removes it.
 */
export function staleChains(observed: ObservedRules, { own, others }: ChainOwners): Map<string, readonly string[]> {
  const chains = new Map<string, readonly string[]>()
  for (const [table, ofTable] of observed) {
    const names = [...ofTable.keys()].filter(
      name => others.some(other => owns(other, table, name)) && (own === undefined || !owns(own, table, name)),
    )
    if (names.length > 0) chains.set(table, names)
  }
  const onlySharedLeft = [...chains.values()].flat().every(name => name === FORWARD || SHARED_CHAINS.has(name))
  if (own === undefined || onlySharedLeft) return chains
  return new Map([...chains].map(([table, names]) => [table, names.filter(name => name !== FORWARD)]))
}

/** Whether a mode owns a chain of a table. */
export function owns(chains: OwnedChains, table: string, name: string): boolean {
  const ofTable = chains.get(table)
  return (
    ofTable !== undefined && (ofTable.names.includes(name) || ofTable.prefixes.some(prefix => name.startsWith(prefix)))
  )
}
