import { type ProxyMode } from '../model/proxy-mode.js'
import { SHARED_CHAINS, staleChains } from '../netfilter/stale-chains.js'
import { type ObservedRules } from '../netfilter/iptables-save.js'
import { chainBatches } from '../netfilter/chain-batches.js'
import { removalInput, restoreInput } from '../netfilter/iptables-restore.js'
import { type RuleSet } from '../netfilter/rule-set.js'

/**
 * The texts that have the rules of one mode take over from what is there, to be restored one after the other: first the rules
 * themselves, and once they stand, those of other modes go.
 *
 * @param maxChainsPerRestore with no more new chains than these one text is enough for the rules
 */
export function takeOverInputs(
  mode: ProxyMode,
  rules: RuleSet,
  observed: ObservedRules,
  maxChainsPerRestore: number,
): string[] {
  const batches = chainBatches(rules, observed, maxChainsPerRestore)
  const inputs = [...batches.inputs, restoreInput(rules, batches.observed)].map(({ text }) => text)
  return [...inputs, removalInput(staleChains(observed, mode), observed, SHARED_CHAINS)].filter(text => text !== '')
}
