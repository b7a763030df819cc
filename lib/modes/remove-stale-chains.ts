import { ProxyFailure } from '../model/failure.js'
import { type ProxyMode } from '../model/proxy-mode.js'
import { type ObservedRules } from '../netfilter/iptables-save.js'
import { SHARED_CHAINS, staleChains } from '../netfilter/stale-chains.js'
import { removalInput } from '../netfilter/iptables-restore.js'
import { type Iptables } from '../system/iptables.js'

/**
 * Takes away the chains of all modes but one, with the rules that lead to them: those that this program, an older version or
 * the original has left there. Connections that are open go on, since their packets are not led by rules any more.
 *
 * @param keptMode the mode whose chains stay; undefined: none
 * @returns whether there was anything
 * @throws ProxyFailure when it could not be done; then all of it is still there
 */
export async function removeStaleChains(iptables: Iptables, keptMode: ProxyMode | undefined): Promise<boolean> {
  const observed: ObservedRules = new Map([
    ...(await iptables.read(['nat', 'filter'])),
    ...(await readMangle(iptables)),
  ])
  const input = removalInput(staleChains(observed, keptMode), observed, SHARED_CHAINS)
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
