/** Refuses what has a field that nobody would look at. */
export function rejectUnknownFields(place: string, value: object, known: readonly string[]): void {
  const unknown = Object.keys(value).find(field => !known.includes(field))
  if (unknown !== undefined) throw new Error(`${place}: "${unknown}" is none of ${known.join(', ')}`)
}
