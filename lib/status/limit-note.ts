/**
 * Said where an answer has not all that there is.
 * @param less what has fewer of them
 * @param which of all they are
 */
export function limitNote(count: number, limit: number, what: string, less = 'one Service', which = 'first'): string[] {
  if (count <= limit) return []
  return [`These are the ${which} ${limit} ${what}, and there are more: ask for ${less}, or for a larger limit`]
}
