import {
  EXTERNAL_SERVICES,
  FORWARD,
  MARK_MASQ,
  MARK_STRANGERS,
  NODE_PORTS,
  POSTROUTING,
  PROXY_CANARY,
  PROXY_FIREWALL,
  PROXY_INVALID,
  SERVICES,
  SERVICE_PREFIXES,
} from '../../netfilter/chain-names.js'
import { type OwnedChains } from '../../netfilter/stale-chains.js'

/** The chains of iptables mode. They have the names of the original kube-proxy. */
export const IPTABLES_CHAINS: OwnedChains = new Map([
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
      names: [SERVICES, EXTERNAL_SERVICES, FORWARD, NODE_PORTS, PROXY_FIREWALL, PROXY_INVALID, PROXY_CANARY],
      prefixes: [],
    },
  ],
])
