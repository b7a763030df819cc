import { IPVS_CHAIN_NAMES } from '../../netfilter/chain-names.js'
import { type OwnedChains } from '../../netfilter/stale-chains.js'

/** The chains of ipvs mode. They have the names of the original kube-proxy. */
export const IPVS_CHAINS: OwnedChains = new Map(
  [...IPVS_CHAIN_NAMES].map(([table, names]) => [table, { names, prefixes: [] }]),
)
