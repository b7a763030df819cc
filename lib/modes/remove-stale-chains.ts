import { ProxyFailure } from '../model/failure.js'
import { type ObservedRules } from '../netfilter/iptables-save.js'
import { type ChainOwners, SHARED_CHAINS, staleChains } from '../netfilter/stale-chains.js'
import { removalInput } from '../netfilter/iptables-restore.js'
import { type Iptables } from '../system/iptables.js'

/**
 * Removes the chains of all modes except one, and the rules that jump to them. This program, an older version or the original
 * kube-proxy left them. Open connections continue, because the kernel applies these rules only to the first packet of a connection.
 *
 * @returns whether there was anything to remove
 * @throws ProxyFailure if that failed; all chains are still there then
 */
export async function removeStaleChains(iptables: Iptables, owners: ChainOwners): Promise<boolean> {
  const observed: ObservedRules = new Map([
    ...(await iptables.read(['nat', 'filter'])),
    ...(await readMangle(iptables)),
  ])
  const input = removalInput(staleChains(observed, owners), observed, SHARED_CHAINS)
  if (input !== '') await iptables.restore(input)
  return input !== ''
}

/** The table with the canary chain of iptables mode. A kernel without the table has no canary. */
async function readMangle(iptables: Iptables): Promise<ObservedRules> {
  try {
    return await iptables.read(['mangle'])
  } catch (error) {
    if (error instanceof ProxyFailure && error.code === 'IPTABLES_ABSENT') return new Map()
    throw error
  }
}
