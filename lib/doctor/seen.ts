/** What was looked at, or why it could not be. */
export type Seen<T> = { readonly isSeen: true; readonly value: T } | { readonly isSeen: false; readonly why: string }

/** Something that was looked at. */
export function seen<T>(value: T): Seen<T> {
  return { isSeen: true, value }
}

/** Something that could not be looked at. @param why a sentence without full stop */
export function unseen(why: string): Seen<never> {
  return { isSeen: false, why }
}
