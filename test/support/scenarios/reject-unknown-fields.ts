/** @throws Error if an object has a field that is not known */
export function rejectUnknownFields(place: string, value: object, known: readonly string[]): void {
  const unknown = Object.keys(value).find(field => !known.includes(field))
  if (unknown !== undefined) throw new Error(`${place}: "${unknown}" is none of ${known.join(', ')}`)
}
