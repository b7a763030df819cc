import { ProxyFailure } from '../model/failure.js'
import { type ProxyMode } from '../model/proxy-mode.js'
import { type FoundRules } from '../rules/found-rules.js'
import { SHARED_CHAINS, chainsToRemove } from '../rules/chains-to-remove.js'
import { removalText } from '../rules/restore-text.js'
import { type Iptables } from '../system/iptables.js'

/**
 * Takes away the chains of all modes but one, with the rules that lead to them: those that this program, an older version or
 * the original has left there. Connections that are open go on, since their packets are not led by rules any more.
 *
 * @param kept the mode whose chains stay; undefined: none
 * @returns whether there was anything
 * @throws ProxyFailure when it could not be done; then all of it is still there
 */
export async function leaveModes(iptables: Iptables, kept: ProxyMode | undefined): Promise<boolean> {
  const found: FoundRules = new Map([...(await iptables.read(['nat', 'filter'])), ...(await readMangle(iptables))])
  const text = removalText(chainsToRemove(found, kept), found, SHARED_CHAINS)
  if (text !== '') await iptables.restore(text)
  return text !== ''
}

/** The canary of the iptables mode is there; a kernel without this table has none. */
async function readMangle(iptables: Iptables): Promise<FoundRules> {
  try {
    return await iptables.read(['mangle'])
  } catch (error) {
    if (error instanceof ProxyFailure && error.code === 'IPTABLES_ABSENT') return new Map()
    throw error
  }
}
