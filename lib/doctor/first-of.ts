/** The most things of one kind that a finding lists. */
const MAX_LISTED = 5

/** The first ones, and how many more there are. */
export function firstOf(lines: readonly string[]): string[] {
  const more = lines.length - MAX_LISTED
  return more > 1 ? [...lines.slice(0, MAX_LISTED), `and ${more} more`] : [...lines]
}
