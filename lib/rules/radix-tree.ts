import { type Rule, type RuleTree } from './rule-set.js'

/** What a tree is made of: things with a key, all keys of the same length. Give them sorted by key, no key twice. */
export interface Keyed {
  /** The bits that a packet is told by, as digits of four bits each: `0a600001` is 10.96.0.1. */
  readonly key: string
}

/** How things become rules. */
export interface RadixRules<T extends Keyed> {
  /** The rules that compare a packet with each of these things. */
  list(things: readonly T[]): readonly Rule[]
  /** How large a list that makes. Where things have one or two rules each, it is better to count things. */
  size(things: readonly T[]): number
  /** The chain for all whose key begins with a prefix, and what a rule that leads there asks of a packet. */
  branch(prefix: string): { readonly chain: string; readonly match: Omit<Rule, 'target'> }
}

/**
 * How large a list may be before it is divided. Chains are not free either: iptables-nft takes about half a millisecond to
 * make one, so that 10,000 addresses in lists of one took 5 s, and in lists of 16 less than 1 s (`test/bench/rules.ts`).
 */
export const MOST_IN_A_LIST = 16
/**
 * As many jumps as a tree is deep at most: nf_tables refuses more than 16 in all (NFT_JUMP_STACK_SIZE in
 * include/net/netfilter/nf_tables.h), and around a tree there are jumps too. Whoever can choose addresses may try to make a
 * tree as deep as an address has digits, so it has to be a limit, not a hope.
 */
export const MOST_JUMPS = 8

/**
 * Rules that compare a packet with few things, however many there are: a radix tree.
 *
 *     root            -d 10.96.0.0/20   ─▶ …          16 addresses or fewer: listed
 *                     -d 10.96.16.0/20  ─▶ ┐          more: divided by the next digit in which they differ
 *                                          └─ -d 10.96.16.0/24 ─▶ …
 *
 * Where a chain is divided follows from the things in it alone, and its name from the prefix that it is for. So equal sets
 * give equal rules in whatever order they came to be, and one thing more or less changes only the chains on the way to it.
 *
 * A branch with more than half of what is in its chain is not jumped to but written out in its place. So each jump at least
 * halves what is left, and a tree is no deeper than the logarithm of its size; common beginnings of all keys cost nothing.
 */
export function radixTree<T extends Keyed>(things: readonly T[], rules: RadixRules<T>): RuleTree {
  const chains = new Map<string, readonly Rule[]>()
  const divided = (group: readonly T[], jumps: number): readonly Rule[] => {
    const size = rules.size(group)
    if (size <= MOST_IN_A_LIST || jumps === MOST_JUMPS) return rules.list(group)
    const position = commonLength(group[0]!.key, group.at(-1)!.key)
    return branches(group, position).flatMap(branch => {
      const inBranch = rules.size(branch)
      if (inBranch <= 1) return rules.list(branch)
      if (inBranch > MOST_IN_A_LIST && inBranch > size / 2) return divided(branch, jumps)
      const { chain, match } = rules.branch(branch[0]!.key.slice(0, position + 1))
      chains.set(chain, divided(branch, jumps + 1))
      return [{ ...match, target: { kind: 'jump', chain } as const }]
    })
  }
  return { root: divided(things, 0), chains }
}

/** Of the first and the last of sorted keys: so long all of them are the same. */
function commonLength(first: string, last: string): number {
  let length = 0
  while (length < first.length && first[length] === last[length]) length++
  return length
}

function branches<T extends Keyed>(group: readonly T[], position: number): T[][] {
  const found = new Map<string, T[]>()
  for (const thing of group) {
    const digit = thing.key[position]!
    const branch = found.get(digit)
    if (branch === undefined) found.set(digit, [thing])
    else branch.push(thing)
  }
  return [...found.values()]
}
