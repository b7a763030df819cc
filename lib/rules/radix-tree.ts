import { type Rule, type RuleTree } from './rule-set.js'
import { sameItems } from './same-items.js'

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

/** The rules of some of the things: the whole tree, or what a branch of it leads to. */
interface Part<T> extends RuleTree {
  readonly things: readonly T[]
  /** How many lead there. */
  readonly jumps: number
  /** With itself, all parts below it, by the beginning that all keys of one have in common. */
  readonly parts: ReadonlyMap<string, Part<T>>
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
  #last: Part<T> | undefined

  constructor(rules: RadixRules<T>) {
    this.#rules = rules
  }

  of(things: readonly T[]): RuleTree {
    this.#last = this.#part(things, 0)
    return this.#last
  }

  #part(things: readonly T[], jumps: number): Part<T> {
    const position = commonLength(things)
    const beginning = things[0]?.key.slice(0, position) ?? ''
    const before = this.#last?.parts.get(beginning)
    if (before?.jumps === jumps && sameItems(before.things, things)) return before
    const chains = new Map<string, readonly Rule[]>()
    const parts = new Map<string, Part<T>>()
    const root = this.#divided(things, position, jumps, (below, chain) => {
      for (const [name, part] of below.parts) parts.set(name, part)
      for (const [name, rules] of below.chains) chains.set(name, rules)
      if (chain !== undefined) chains.set(chain, below.root)
    })
    const part = { things, jumps, root, chains, parts }
    parts.set(beginning, part)
    return part
  }

  /** @param add takes what is below, with its chain where it has one of its own */
  #divided(
    things: readonly T[],
    position: number,
    jumps: number,
    add: (below: Part<T>, chain?: string) => void,
  ): readonly Rule[] {
    const { list, size, branch } = this.#rules
    const inAll = size(things)
    if (inAll <= MOST_IN_A_LIST || jumps === MOST_JUMPS) return list(things)
    return branches(things, position).flatMap(inBranch => {
      const count = size(inBranch)
      if (count <= 1) return list(inBranch)
      if (count > MOST_IN_A_LIST && count > inAll / 2) {
        const inPlace = this.#part(inBranch, jumps)
        add(inPlace)
        return inPlace.root
      }
      const { chain, match } = branch(inBranch[0]!.key.slice(0, position + 1))
      add(this.#part(inBranch, jumps + 1), chain)
      return [{ ...match, target: { kind: 'jump', chain } as const }]
    })
  }
}

/** Of sorted keys: so long all of them are the same. */
function commonLength(things: readonly Keyed[]): number {
  const [first, last] = [things[0]?.key ?? '', things.at(-1)?.key ?? '']
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
