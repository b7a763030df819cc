import {
  NODEPORT_CONTAINER,
  NODEPORT_HOST,
  NODEPORT_NON_LOCAL,
  PORTALS_CONTAINER,
  PORTALS_DROP,
  PORTALS_HOST,
  PROXY_DOOR,
  PROXY_INVALID,
  PROXY_PORTS,
  TREE_PREFIXES,
} from '../../netfilter/chain-names.js'
import { type OwnedChains } from '../../netfilter/stale-chains.js'

/** The chains of userspace mode, including those of kube-proxy 1.20. */
export const USERSPACE_CHAINS: OwnedChains = new Map([
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
      names: [NODEPORT_NON_LOCAL, PORTALS_DROP, PROXY_PORTS, PROXY_DOOR, PROXY_INVALID],
      prefixes: TREE_PREFIXES.get('filter')!,
    },
  ],
])
