import { LINK_COMMENTS } from '../netfilter/link-comments.js'
import { type Link } from '../netfilter/rule-set.js'
import { linkToChain } from './link-to-chain.js'

/** A chain of the kernel whose invalid segments a mode looks at. */
export type InvalidSegmentHook = 'INPUT' | 'FORWARD' | 'OUTPUT'

/**
 * Sends TCP segments that conntrack finds invalid to the rules that drop those of Services. Each rule there matches an address or port
 * of a Service, so segments of other connections pass: conntrack finds them invalid too where it sees one direction only.
 *
 * Where another connection may use the same address and port, a rule lets segments pass that close or reset their connection
 * (`keepsConnection`): conntrack may not know the connection, and it must be able to end.
 *
 * @param target the chain with these rules
 */
export function invalidSegmentLinks(target: string, hooks: readonly InvalidSegmentHook[]): Link[] {
  const match = { comment: LINK_COMMENTS.invalidSegments, protocol: 'TCP', connection: 'INVALID' } as const
  return hooks.map(chain => linkToChain(chain, target, match, { staysAbove: 'acceptance' }))
}
