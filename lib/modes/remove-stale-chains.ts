import { type ChainOwners, SHARED_CHAINS, staleChains } from '../netfilter/stale-chains.js'
import { removalInput } from '../netfilter/iptables-restore.js'
import { type Iptables } from '../system/iptables.js'
import { readPresentTables } from '../system/read-present-tables.js'

/** All tables that may have such chains; in mangle, it is a canary of iptables mode. */
const TABLES = ['nat', 'filter', 'mangle']

/**
 * Removes the chains of all modes except one, and the rules that jump to them. This program, an older version or the original
 * kube-proxy left them. Open connections continue, because the kernel applies these rules only to the first packet of a connection.
 *
 * @returns whether there was anything to remove
 * @throws ProxyFailure if that failed; all chains are still there then
 */
export async function removeStaleChains(iptables: Iptables, owners: ChainOwners): Promise<boolean> {
  const observed = await readPresentTables(iptables, TABLES)
  const input = removalInput(staleChains(observed, owners), observed, SHARED_CHAINS)
  if (input !== '') await iptables.restore(input)
  return input !== ''
}
