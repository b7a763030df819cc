/** An item of a list that is sorted by key: digits of four bits each, all of one length; `0a600001` is 10.96.0.1. */
export interface Keyed {
  readonly key: string
}

/**
 * What a tree is made of, sorted by key: for each address or port one thing, made of all that is given for it.
 *
 * Where the same objects are given as last time, the things are the same objects too, and where that is so of all, their list
 * is: a tree knows by that what it need not make anew.
 */
export class KeyedList<Given, Id, Thing extends Keyed & { readonly id: Id }> {
  readonly #getId: (given: Given) => Id
  readonly #build: (id: Id, given: readonly Given[]) => Thing | undefined
  #lastInputs: readonly Given[] = []
  #items: readonly Thing[] = []

  /** @param make gives undefined where there is nothing to list */
  constructor(idOf: (given: Given) => Id, make: (id: Id, given: readonly Given[]) => Thing | undefined) {
    this.#getId = idOf
    this.#build = make
  }

  /** @param inputs in an order that changes little from time to time; what is for one thing keeps it */
  update(inputs: readonly Given[]): readonly Thing[] {
    const changed = this.#findChanged(inputs)
    this.#lastInputs = inputs
    if (changed.size === 0) return this.#items
    for (const one of inputs) changed.get(this.#getId(one))?.push(one)
    const items = this.#items.filter(({ id }) => !changed.has(id))
    for (const [id, all] of changed) {
      const built = all.length === 0 ? undefined : this.#build(id, all)
      if (built !== undefined) items.push(built)
    }
    // What stays is sorted already, and costs little to sort again.
    this.#items = items.sort((a, b) => (a.key < b.key ? -1 : 1))
    return this.#items
  }

  /** The things for which something else is given, between what is the same at both ends. */
  #findChanged(inputs: readonly Given[]): Map<Id, Given[]> {
    const previous = this.#lastInputs
    const shorter = Math.min(inputs.length, previous.length)
    let first = 0
    while (first < shorter && inputs[first] === previous[first]) first++
    let commonAtEnd = 0
    while (commonAtEnd < shorter - first && inputs.at(-1 - commonAtEnd) === previous.at(-1 - commonAtEnd)) commonAtEnd++
    const changed = new Map<Id, Given[]>()
    for (const [list, end] of [
      [previous, previous.length - commonAtEnd],
      [inputs, inputs.length - commonAtEnd],
    ] as const)
      for (let index = first; index < end; index++) changed.set(this.#getId(list[index]!), [])
    return changed
  }
}
