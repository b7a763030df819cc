import { type ProxyMode, PROXY_MODES } from '../model/proxy-mode.js'
import {
  EXTERNAL_SERVICES,
  FORWARD,
  IPVS_CHAINS,
  MARK_MASQ,
  MARK_STRANGERS,
  NODE_PORTS,
  POSTROUTING,
  PROXY_CANARY,
  PROXY_FIREWALL,
  SERVICES,
  SERVICE_PREFIXES,
  NODEPORT_CONTAINER,
  NODEPORT_HOST,
  NODEPORT_NON_LOCAL,
  PORTALS_CONTAINER,
  PORTALS_DROP,
  PORTALS_HOST,
  PROXY_DOOR,
  PROXY_PORTS,
  TREE_PREFIXES,
} from './chain-names.js'
import { type ObservedRules } from './iptables-save.js'

/** The chains of a mode in one table: by their names, and by how names begin. */
interface TableChains {
  readonly names: readonly string[]
  readonly prefixes: readonly string[]
}

type ModeChains = ReadonlyMap<string, TableChains>

/**
 * The chains of each mode by table, those of the original and of its older versions with them. KUBE-FIREWALL and
 * KUBE-MARK-DROP in filter and nat are the kubelet's as well, and stay.
 */
const MODE_CHAINS: Readonly<Record<ProxyMode, ModeChains>> = {
  userspace: new Map([
    [
      'nat',
      {
        names: [PORTALS_CONTAINER, PORTALS_HOST, NODEPORT_CONTAINER, NODEPORT_HOST],
        prefixes: TREE_PREFIXES.get('nat')!,
      },
    ],
    [
      'filter',
      {
        names: [NODEPORT_NON_LOCAL, PORTALS_DROP, PROXY_PORTS, PROXY_DOOR],
        prefixes: TREE_PREFIXES.get('filter')!,
      },
    ],
  ]),
  iptables: new Map([
    ['mangle', { names: [PROXY_CANARY], prefixes: [] }],
    [
      'nat',
      {
        names: [SERVICES, NODE_PORTS, POSTROUTING, MARK_MASQ, MARK_STRANGERS, PROXY_CANARY],
        prefixes: SERVICE_PREFIXES,
      },
    ],
    [
      'filter',
      {
        names: [SERVICES, EXTERNAL_SERVICES, FORWARD, NODE_PORTS, PROXY_FIREWALL, PROXY_CANARY],
        prefixes: [],
      },
    ],
  ]),
  ipvs: new Map([...IPVS_CHAINS].map(([table, names]) => [table, { names, prefixes: [] }])),
}

/** Made by a kubelet before 1.28 too, and by others who want packets masqueraded: goes only when nobody uses it. */
export const SHARED_CHAINS: ReadonlySet<string> = new Set([MARK_MASQ])

/**
 * Of the chains that were found those of a mode, and of no other one that is kept: table name to chain names.
 *
 * KUBE-FORWARD is the last to go: on a node that drops what it does not know it lets through what belongs to the connections that
 * a kernel mode has begun. The process after the one that took over finds it alone, and removes it.
 */
export function staleChains(observed: ObservedRules, keptMode: ProxyMode | undefined): Map<string, readonly string[]> {
  const chains = new Map<string, readonly string[]>()
  for (const [table, ofTable] of observed) {
    const names = [...ofTable.keys()].filter(
      name =>
        PROXY_MODES.some(mode => mode !== keptMode && belongsTo(mode, table, name)) &&
        (keptMode === undefined || !belongsTo(keptMode, table, name)),
    )
    if (names.length > 0) chains.set(table, names)
  }
  const onlySharedLeft = [...chains.values()].flat().every(name => name === FORWARD || SHARED_CHAINS.has(name))
  if (keptMode === undefined || onlySharedLeft) return chains
  return new Map([...chains].map(([table, names]) => [table, names.filter(name => name !== FORWARD)]))
}

function belongsTo(mode: ProxyMode, table: string, name: string): boolean {
  const chains = MODE_CHAINS[mode].get(table)
  return (
    chains !== undefined && (chains.names.includes(name) || chains.prefixes.some(prefix => name.startsWith(prefix)))
  )
}
