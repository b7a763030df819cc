/** Said where an answer has not all that there is. */
export function limitNote(count: number, limit: number, what: string): string[] {
  if (count <= limit) return []
  return [`These are the first ${limit} ${what}, and there are more: ask for one Service, or for a larger limit`]
}
