import { type Keyed } from './radix-tree.js'

/**
 * What a tree is made of, sorted by key: for each address or port one thing, made of all that is given for it.
 *
 * Where the same objects are given as last time, the things are the same objects too, and where that is so of all, their list
 * is: a tree knows by that what it need not make anew.
 */
export class Listing<Given, Id, Thing extends Keyed & { readonly id: Id }> {
  readonly #idOf: (given: Given) => Id
  readonly #make: (id: Id, given: readonly Given[]) => Thing | undefined
  #given: readonly Given[] = []
  #things: readonly Thing[] = []

  /** @param make gives undefined where there is nothing to list */
  constructor(idOf: (given: Given) => Id, make: (id: Id, given: readonly Given[]) => Thing | undefined) {
    this.#idOf = idOf
    this.#make = make
  }

  /** @param given in an order that changes little from time to time; what is for one thing keeps it */
  of(given: readonly Given[]): readonly Thing[] {
    const touched = this.#touched(given)
    this.#given = given
    if (touched.size === 0) return this.#things
    for (const one of given) touched.get(this.#idOf(one))?.push(one)
    const things = this.#things.filter(({ id }) => !touched.has(id))
    for (const [id, all] of touched) {
      const made = all.length === 0 ? undefined : this.#make(id, all)
      if (made !== undefined) things.push(made)
    }
    // What stays is sorted already, and costs little to sort again.
    this.#things = things.sort((a, b) => (a.key < b.key ? -1 : 1))
    return this.#things
  }

  /** The things for which something else is given, between what is the same at both ends. */
  #touched(given: readonly Given[]): Map<Id, Given[]> {
    const before = this.#given
    const shorter = Math.min(given.length, before.length)
    let first = 0
    while (first < shorter && given[first] === before[first]) first++
    let after = 0
    while (after < shorter - first && given.at(-1 - after) === before.at(-1 - after)) after++
    const touched = new Map<Id, Given[]>()
    for (const [list, end] of [
      [before, before.length - after],
      [given, given.length - after],
    ] as const)
      for (let index = first; index < end; index++) touched.set(this.#idOf(list[index]!), [])
    return touched
  }
}
