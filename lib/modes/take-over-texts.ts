import { type ProxyMode } from '../model/proxy-mode.js'
import { SHARED_CHAINS, chainsToRemove } from '../rules/chains-to-remove.js'
import { type FoundRules } from '../rules/found-rules.js'
import { groupPortions } from '../rules/group-portions.js'
import { removalText, restoreText } from '../rules/restore-text.js'
import { type RuleSet } from '../rules/rule-set.js'

/**
 * The texts that have the rules of one mode take over from what is there, to be restored one after the other: first the rules
 * themselves, and once they stand, those of other modes go.
 *
 * @param chainsAtOnce with no more new chains than these one text is enough for the rules
 */
export function takeOverTexts(mode: ProxyMode, rules: RuleSet, found: FoundRules, chainsAtOnce: number): string[] {
  const portions = groupPortions(rules, found, chainsAtOnce)
  const texts = [...portions.texts, restoreText(rules, portions.found)].map(({ text }) => text)
  return [...texts, removalText(chainsToRemove(found, mode), found, SHARED_CHAINS)].filter(text => text !== '')
}
