import { type Rule } from '../netfilter/rule-set.js'

/** The rules by which the kernel modes masquerade packets: they are sent on with the node's address as their source. */
export interface MasqueradeRules {
  /** Marks a packet on the way in. */
  readonly mark: readonly Rule[]
  /** Lets marked packets through the node, and the other packets of their connections. */
  readonly forward: readonly Rule[]
  /** Masquerades marked packets on the way out. */
  readonly postrouting: readonly Rule[]
}

/**
 * Builds the masquerading rules.
 *
 * @param masqueradeMark the bit of a packet's mark that requests masquerading
 * @param randomPort whether the source port is random
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
      // Clears the mark, so that a packet that passes a second time is not masqueraded twice.
      { target: { kind: 'MARK', operation: 'toggle', bits: masqueradeMark } },
      { comment: 'kubernetes service traffic requiring SNAT', target: { kind: 'MASQUERADE', randomPort } },
    ],
  }
}
