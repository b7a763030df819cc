/** A text that is equal for equal plain data, as long as fields are made in the same order each time. */
export function fingerprint(value: unknown): string {
  return JSON.stringify(value) ?? ''
}
