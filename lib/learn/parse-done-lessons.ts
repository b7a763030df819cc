/** The numbers in a file of lessons that are done; none if the file is damaged. */
export function parseDoneLessons(text: string): readonly number[] {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('done' in value) || !Array.isArray(value.done)) return []
    return value.done.filter((each): each is number => Number.isInteger(each))
  } catch {
    return []
  }
}
