/** Longer numbers are more entries than the kernel can have. */
const DELETED = /\b(\d{1,10}) flow entries have been deleted/

/** How many entries `conntrack -D` has removed, which it prints to standard error; undefined if it does not say. */
export function parseDeletedCount(stderr: string): number | undefined {
  const count = DELETED.exec(stderr)?.[1]
  return count === undefined ? undefined : Number(count)
}
