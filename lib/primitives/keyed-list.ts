/** An item of a list that is sorted by key. All keys have one length; `0a600001` is 10.96.0.1 in digits of four bits. */
export interface Keyed {
  readonly key: string
}

/**
 * The items that a rule tree is built from, sorted by key. Each address or port has one item, built from all inputs with its id.
 *
 * Equal inputs (by reference) return the same items, and if no input changed, the same list. A tree relies on that to rebuild
 * only what changed.
 */
export class KeyedList<Input, Id, Item extends Keyed & { readonly id: Id }> {
  readonly #getId: (input: Input) => Id
  readonly #build: (id: Id, inputs: readonly Input[]) => Item | undefined
  #lastInputs: readonly Input[] = []
  #items: readonly Item[] = []

  /** @param build returns undefined if the list should have no item with this id */
  constructor(getId: (input: Input) => Id, build: (id: Id, inputs: readonly Input[]) => Item | undefined) {
    this.#getId = getId
    this.#build = build
  }

  /** @param inputs in an order that changes little between calls; the inputs of one item keep their order */
  update(inputs: readonly Input[]): readonly Item[] {
    const changed = this.#findChanged(inputs)
    this.#lastInputs = inputs
    if (changed.size === 0) return this.#items
    for (const input of inputs) changed.get(this.#getId(input))?.push(input)
    const items = this.#items.filter(({ id }) => !changed.has(id))
    for (const [id, all] of changed) {
      const built = all.length === 0 ? undefined : this.#build(id, all)
      if (built !== undefined) items.push(built)
    }
    // The unchanged items are sorted already, which makes this sort cheap.
    this.#items = items.sort((a, b) => (a.key < b.key ? -1 : 1))
    return this.#items
  }

  /** The ids of the inputs between the part that both lists have at the start and the part that both have at the end. */
  #findChanged(inputs: readonly Input[]): Map<Id, Input[]> {
    const previous = this.#lastInputs
    const shorter = Math.min(inputs.length, previous.length)
    let first = 0
    while (first < shorter && inputs[first] === previous[first]) first++
    let commonAtEnd = 0
    while (commonAtEnd < shorter - first && inputs.at(-1 - commonAtEnd) === previous.at(-1 - commonAtEnd)) commonAtEnd++
    const changed = new Map<Id, Input[]>()
    for (const [list, end] of [
      [previous, previous.length - commonAtEnd],
      [inputs, inputs.length - commonAtEnd],
    ] as const)
      for (let index = first; index < end; index++) changed.set(this.#getId(list[index]!), [])
    return changed
  }
}
