import { ProxyFailure } from '../model/failure.js'
import { type ObservedRules } from '../netfilter/iptables-save.js'
import { type ChainOwners, SHARED_CHAINS, staleChains } from '../netfilter/stale-chains.js'
import { removalInput } from '../netfilter/iptables-restore.js'
import { type Iptables } from '../system/iptables.js'

/**
 * Removes the chains of all modes but one, with the rules that lead to them: this program, an older version or kube-proxy left
 * them. Open connections go on, because only first packets are led by rules.
 *
 * @returns whether there was anything
 * @throws ProxyFailure when it could not be done; then all of it is still there
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

/** The canary of the iptables mode is there; a kernel without this table has none. */
async function readMangle(iptables: Iptables): Promise<ObservedRules> {
  try {
    return await iptables.read(['mangle'])
  } catch (error) {
    if (error instanceof ProxyFailure && error.code === 'IPTABLES_ABSENT') return new Map()
    throw error
  }
}
