import { type Keyed } from '../../primitives/keyed-list.js'
import { type Rule, type RuleTree } from '../rule-set.js'
import { sameItems } from '../../primitives/reuse-equal.js'

/** How things become rules. */
export interface RadixRules<T extends Keyed> {
  /** The rules that compare a packet with each of these things. */
  listRules(things: readonly T[]): readonly Rule[]
  /** How large a list that makes. Where things have one or two rules each, it is better to count things. */
  listSize(things: readonly T[]): number
  /** The chain for all whose key begins with a prefix, and what a rule that leads there asks of a packet. */
  branch(prefix: string): { readonly chain: string; readonly match: Omit<Rule, 'target'> }
}

/**
 * How large a list may be before it is divided. Chains are not free either: iptables-nft takes about half a millisecond to
 * make one, so that 10,000 addresses in lists of one took 5 s, and in lists of 16 less than 1 s (`test/bench/rules.ts`).
 */
export const MAX_LIST_SIZE = 16
/**
 * As many jumps as a tree is deep at most: nf_tables refuses more than 16 in all (NFT_JUMP_STACK_SIZE in
 * include/net/netfilter/nf_tables.h), and around a tree there are jumps too. Whoever can choose addresses may try to make a
 * tree as deep as an address has digits, so it has to be a limit, not a hope.
 */
export const MAX_JUMPS = 8

/** The rules of some of the things: the whole tree, or what a branch of it leads to. */
interface Subtree<T> extends RuleTree {
  readonly items: readonly T[]
  /** How many lead there. */
  readonly jumps: number
  /** With itself, all parts below it, by the beginning that all keys of one have in common. */
  readonly subtrees: ReadonlyMap<string, Subtree<T>>
}

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
 *
 * Trees are made one after the other, and each has of the last one the parts whose things are all the same objects, without
 * looking into them: among 10,000 Services, one more costs what is on the way to it.
 */
export class RadixTree<T extends Keyed> {
  readonly #rules: RadixRules<T>
  #lastTree: Subtree<T> | undefined

  constructor(rules: RadixRules<T>) {
    this.#rules = rules
  }

  build(items: readonly T[]): RuleTree {
    this.#lastTree = this.#buildSubtree(items, 0)
    return this.#lastTree
  }

  #buildSubtree(items: readonly T[], jumps: number): Subtree<T> {
    const position = commonPrefixLength(items)
    const keyPrefix = items[0]?.key.slice(0, position) ?? ''
    const previous = this.#lastTree?.subtrees.get(keyPrefix)
    if (previous?.jumps === jumps && sameItems(previous.items, items)) return previous
    const chains = new Map<string, readonly Rule[]>()
    const subtrees = new Map<string, Subtree<T>>()
    const root = this.#divide(items, position, jumps, (below, chain) => {
      for (const [name, subtree] of below.subtrees) subtrees.set(name, subtree)
      for (const [name, rules] of below.chains) chains.set(name, rules)
      if (chain !== undefined) chains.set(chain, below.root)
    })
    const subtree = { items, jumps, root, chains, subtrees }
    subtrees.set(keyPrefix, subtree)
    return subtree
  }

  /** @param add takes what is below, with its chain where it has one of its own */
  #divide(
    items: readonly T[],
    position: number,
    jumps: number,
    add: (below: Subtree<T>, chain?: string) => void,
  ): readonly Rule[] {
    const { listRules, listSize, branch } = this.#rules
    const total = listSize(items)
    if (total <= MAX_LIST_SIZE || jumps === MAX_JUMPS) return listRules(items)
    return splitByDigit(items, position).flatMap(branchItems => {
      const count = listSize(branchItems)
      if (count <= 1) return listRules(branchItems)
      if (count > MAX_LIST_SIZE && count > total / 2) {
        const inlined = this.#buildSubtree(branchItems, jumps)
        add(inlined)
        return inlined.root
      }
      const { chain, match } = branch(branchItems[0]!.key.slice(0, position + 1))
      add(this.#buildSubtree(branchItems, jumps + 1), chain)
      return [{ ...match, target: { kind: 'jump', chain } as const }]
    })
  }
}

/** Of sorted keys: so long all of them are the same. */
function commonPrefixLength(items: readonly Keyed[]): number {
  const [first, last] = [items[0]?.key ?? '', items.at(-1)?.key ?? '']
  let length = 0
  while (length < first.length && first[length] === last[length]) length++
  return length
}

function splitByDigit<T extends Keyed>(group: readonly T[], position: number): T[][] {
  const groups = new Map<string, T[]>()
  for (const item of group) {
    const digit = item.key[position]!
    const branch = groups.get(digit)
    if (branch === undefined) groups.set(digit, [item])
    else branch.push(item)
  }
  return [...groups.values()]
}
