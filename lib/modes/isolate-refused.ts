/** Things whose rules the kernel refuses together, and its message. */
export interface RefusedGroup<Item> {
  readonly items: readonly Item[]
  readonly reason: string
}

export interface IsolateOptions<Item> {
  /** Tries the rules of items. @returns why the kernel refuses them; undefined if it accepts them */
  readonly probe: (items: readonly Item[]) => Promise<string | undefined>
  /** Takes an item whose rules the kernel refuses alone. */
  readonly onFound: (item: Item, reason: string) => Promise<void>
  /** Whether `onFound` has explained this item too, as one of the same kind. */
  readonly isExplained: (item: Item) => boolean
  /** The most calls of `probe`. */
  readonly maxProbes: number
}

/**
 * Finds the items whose rules the kernel refuses, by halves. It looks for the first one as quickly as it can, because that may explain
 * all others, as a missing module does. Then it divides the largest groups first: if it must stop, few accepted items are left among
 * the refused.
 * @returns the groups that it could not divide any further
 */
export async function isolateRefused<Item>(
  items: readonly Item[],
  { probe, onFound, isExplained, maxProbes }: IsolateOptions<Item>,
): Promise<readonly RefusedGroup<Item>[]> {
  /** From large to small. */
  const groups: RefusedGroup<Item>[] = []
  let probes = 0
  let hasFound = false
  const add = (group: RefusedGroup<Item>): void => {
    const index = groups.findIndex(other => other.items.length < group.items.length)
    groups.splice(index < 0 ? groups.length : index, 0, group)
  }
  const tryItems = async (some: readonly Item[]): Promise<boolean> => {
    probes++
    const reason = await probe(some)
    if (reason !== undefined) add({ items: some, reason })
    return reason === undefined
  }
  if (items.length > 0) await tryItems(items)
  while (groups.length > 0 && probes < maxProbes) {
    const { items: some, reason } = hasFound ? groups.shift()! : groups.pop()!
    const unexplained = some.filter(item => !isExplained(item))
    if (unexplained.length === 0) continue
    if (unexplained.length < some.length) {
      await tryItems(unexplained)
    } else if (some.length === 1) {
      hasFound = true
      await onFound(some[0]!, reason)
    } else {
      const [first, second] = [some.slice(0, some.length >> 1), some.slice(some.length >> 1)]
      // A single item is blamed for nothing but its own refusal: the group's may have passed, or be one of the sum.
      if ((await tryItems(first)) && second.length > 1) add({ items: second, reason })
      else await tryItems(second)
    }
  }
  return groups.map(group => ({ ...group, items: group.items.filter(item => !isExplained(item)) }))
}
