import { fingerprint } from './fingerprint.js'

/**
 * The object of before where the new one says the same (structural sharing): what compares references downstream then sees
 * exactly what changed. For plain data with a fixed order of fields.
 */
export function reuseEqual<T>(before: T | undefined, after: T): T {
  return before !== undefined && isEqual(before, after) ? before : after
}

/** Whether two values of plain data say the same. */
export function isEqual(a: unknown, b: unknown): boolean {
  return a === b || fingerprint(a) === fingerprint(b)
}

/** The list of before where the new one has the same objects in the same order. */
export function reuseSameItems<List extends readonly unknown[]>(before: List | undefined, after: List): List {
  return before !== undefined && sameItems(before, after) ? before : after
}

/** Whether two lists have the same objects in the same order; what the objects say is not compared. */
export function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a === b || (a.length === b.length && a.every((item, index) => item === b[index]))
}
