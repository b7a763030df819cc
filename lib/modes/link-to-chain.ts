import { type Link, type Rule } from '../netfilter/rule-set.js'

/**
 * The link by which a chain of the kernel sends packets to a chain of this program.
 * @param match what packets it sends, with the comment; omitted: all
 * @param place where it stands; omitted: first, and its place does not matter later
 */
export function linkToChain(
  chain: string,
  target: string,
  match: Omit<Rule, 'target'> = {},
  place: Partial<Pick<Link, 'position' | 'staysAbove'>> = {},
): Link {
  return { chain, position: 'first', ...place, rule: { ...match, target: { kind: 'jump', chain: target } } }
}
