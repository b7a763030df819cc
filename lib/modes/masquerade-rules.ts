import { type Rule } from '../netfilter/rule-set.js'

/** Rules by which the kernel modes have packets sent on with the node's address as their source. */
export interface MasqueradeRules {
  /** Marks a packet on its way in. */
  readonly mark: readonly Rule[]
  /** Lets what is marked through the node, and what belongs to a connection that was let through. */
  readonly forward: readonly Rule[]
  /** Masquerades what is marked, on its way out. */
  readonly postrouting: readonly Rule[]
}

/**
 * @param masqueradeMark the packet's mark that asks for it
 * @param randomPort whether the source port is chosen by chance
 */
export function masqueradeRules(masqueradeMark: number, randomPort: boolean): MasqueradeRules {
  return {
    mark: [{ target: { kind: 'MARK', operation: 'set', bits: masqueradeMark } }],
    forward: [
      { comment: 'kubernetes forwarding rules', mark: masqueradeMark, target: { kind: 'ACCEPT' } },
      {
        comment: 'kubernetes forwarding conntrack rule',
        connection: ['RELATED', 'ESTABLISHED'],
        target: { kind: 'ACCEPT' },
      },
    ],
    postrouting: [
      { not: { mark: masqueradeMark }, target: { kind: 'RETURN' } },
      // Taken off again, so that a packet that comes by a second time is not masqueraded twice.
      { target: { kind: 'MARK', operation: 'toggle', bits: masqueradeMark } },
      { comment: 'kubernetes service traffic requiring SNAT', target: { kind: 'MASQUERADE', randomPort } },
    ],
  }
}
