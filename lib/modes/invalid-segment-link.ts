import { PROXY_INVALID } from '../netfilter/chain-names.js'
import { type Link } from '../netfilter/rule-set.js'

/**
 * Sends TCP segments to the node itself that conntrack finds invalid to the rules that drop those of Services. kube-proxy drops only
 * those that the node forwards.
 */
export function invalidSegmentLink(): Link {
  return {
    chain: 'INPUT',
    position: 'first',
    staysAbove: 'acceptance',
    rule: {
      comment: 'segments of no connection',
      protocol: 'TCP',
      connection: 'INVALID',
      target: { kind: 'jump', chain: PROXY_INVALID },
    },
  }
}
