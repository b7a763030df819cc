/** Gives out the item with the smallest key first. A call takes the logarithm of the number of items. */
export class MinHeap<Item> {
  /** Each item is not smaller than the one at half its position. */
  readonly #items: Item[] = []
  readonly #keyOf: (item: Item) => number

  /** @param keyOf the key of an item, which must not change while the item is here */
  constructor(keyOf: (item: Item) => number) {
    this.#keyOf = keyOf
  }

  get size(): number {
    return this.#items.length
  }

  /** Adds an item. */
  push(item: Item): void {
    const items = this.#items
    const key = this.#keyOf(item)
    let at = items.length
    for (let parent = (at - 1) >> 1; at > 0 && this.#keyOf(items[parent]!) > key; parent = (at - 1) >> 1) {
      items[at] = items[parent]!
      at = parent
    }
    items[at] = item
  }

  /** Removes the item with the smallest key; undefined if there is none. */
  pop(): Item | undefined {
    const [first] = this.#items
    const last = this.#items.pop()
    if (this.#items.length > 0) this.#sink(last!)
    return first
  }

  /** Puts an item in the place of the first one, and then where it belongs. */
  #sink(item: Item): void {
    const items = this.#items
    const key = this.#keyOf(item)
    let at = 0
    for (let child = 1; child < items.length; child = 2 * at + 1) {
      if (child + 1 < items.length && this.#keyOf(items[child + 1]!) < this.#keyOf(items[child]!)) child++
      if (this.#keyOf(items[child]!) >= key) break
      items[at] = items[child]!
      at = child
    }
    items[at] = item
  }
}
