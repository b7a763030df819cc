/** A text that is equal for equal plain data. Requires that the fields are always created in the same order. */
export function fingerprint(value: unknown): string {
  return JSON.stringify(value) ?? ''
}

/**
 * Returns the earlier object if the new one has equal content (structural sharing), so that code that compares references sees
 * exactly what changed. For plain data with a fixed order of fields.
 */
export function reuseEqual<T>(before: T | undefined, after: T): T {
  return before !== undefined && isEqual(before, after) ? before : after
}

/** Whether two values of plain data have equal content. */
export function isEqual(a: unknown, b: unknown): boolean {
  return a === b || fingerprint(a) === fingerprint(b)
}

/** Returns the earlier list if the new one has the same objects in the same order. */
export function reuseSameItems<List extends readonly unknown[]>(before: List | undefined, after: List): List {
  return before !== undefined && sameItems(before, after) ? before : after
}

/** Whether two lists have the same objects in the same order. Compares references, not content. */
export function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a === b || (a.length === b.length && a.every((item, index) => item === b[index]))
}
