/** A text that is equal for equal plain data. Requires that the fields are always created in the same order. */
export function fingerprint(value: unknown): string {
  return JSON.stringify(value) ?? ''
}
