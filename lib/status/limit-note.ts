/**
 * Said where an answer has not all that there is.
 * @param less what has fewer of them
 */
export function limitNote(count: number, limit: number, what: string, less = 'one Service'): string[] {
  if (count <= limit) return []
  return [`These are the first ${limit} ${what}, and there are more: ask for ${less}, or for a larger limit`]
}
