import { PROXY_INVALID } from '../netfilter/chain-names.js'
import { type Link, type Rule } from '../netfilter/rule-set.js'
import { linkToChain } from './link-to-chain.js'

/**
 * Sends TCP segments to the node itself that conntrack finds invalid to the rules that drop those of Services. kube-proxy drops only
 * those that the node forwards.
 *
 * @param options.keepsConnection only segments that neither close nor reset their connection. A connection of this node that
 *   conntrack does not know may use the number of a node port, and must be able to end.
 */
export function invalidSegmentLink(options: Pick<Rule, 'keepsConnection'> = {}): Link {
  const match = { comment: 'segments of no connection', protocol: 'TCP', ...options, connection: 'INVALID' } as const
  return linkToChain('INPUT', PROXY_INVALID, match, { staysAbove: 'acceptance' })
}
