import { type Keyed } from '../../primitives/keyed-list.js'
import { type Rule, type RuleTree } from '../rule-set.js'
import { sameItems } from '../../primitives/reuse-equal.js'

/** How items become rules. */
export interface RadixRules<T extends Keyed> {
  /** The rules that compare a packet with each of these items. */
  listRules(items: readonly T[]): readonly Rule[]
  /** The size of that list. If every item has one or two rules, the number of items is the better measure. */
  listSize(items: readonly T[]): number
  /** The chain for all items whose key begins with a prefix, and the match of the rule that leads there. */
  branch(prefix: string): { readonly chain: string; readonly match: Omit<Rule, 'target'> }
}

/**
 * The largest list that is not divided. Chains have a cost too: iptables-nft takes about half a millisecond to create one, so
 * 10,000 addresses took 5 s in lists of one, and less than 1 s in lists of 16 (`bench/code/rules.ts`).
 */
export const MAX_LIST_SIZE = 16
/**
 * The largest depth of a tree, in jumps. nf_tables refuses more than 16 jumps (NFT_JUMP_STACK_SIZE in
 * include/net/netfilter/nf_tables.h), and there are jumps outside of the tree too. A user who can choose addresses could make
 * a tree as deep as an address has digits, so the limit is enforced.
 */
export const MAX_JUMPS = 8

/** The rules of some of the items: the whole tree, or one branch of it. */
interface Subtree<T> extends RuleTree {
  readonly items: readonly T[]
  /** The number of jumps that lead there. */
  readonly jumps: number
  /** All parts below it and itself, by the prefix that all keys of a part have in common. */
  readonly subtrees: ReadonlyMap<string, Subtree<T>>
}

/**
 * A radix tree of rules: a packet is compared with few items, however many there are.
 *
 *     root            -d 10.96.0.0/20   ─▶ …          16 addresses or fewer: a list
 *                     -d 10.96.16.0/20  ─▶ ┐          more: divided by the next digit that differs
 *                                          └─ -d 10.96.16.0/24 ─▶ …
 *
 * The division of a chain depends only on its items, and its name only on its prefix. So equal sets give equal rules,
 * whatever their history, and one item more or less changes only the chains on the way to it.
 *
 * A branch with more than half of its chain's items is not a jump: its rules are written in place. So each jump at least
 * halves the remaining items, and the depth of a tree is at most the logarithm of its size. Common prefixes of all keys cost
 * nothing.
 *
 * A new tree takes from the last one the parts whose items are all the same objects, without processing them: among 10,000
 * Services, one more costs only the parts on the way to it.
 */
export class RadixTree<T extends Keyed> {
  readonly #rules: RadixRules<T>
  #lastTree: Subtree<T> | undefined

  constructor(rules: RadixRules<T>) {
    this.#rules = rules
  }

  /** @param items sorted by key */
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

  /** @param add takes each subtree below, with its chain if it has one */
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

/** The length of the prefix that all keys have in common; items are sorted by key. */
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
