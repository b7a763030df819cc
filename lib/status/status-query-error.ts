import { closestText } from '../primitives/closest-text.js'
import { quoteValue } from '../primitives/quote-value.js'

/** How many names an error lists. */
const MAX_LISTED = 20

/** A request that names what does not exist: the answer lists what does. */
export class StatusQueryError extends Error {
  override readonly name = 'StatusQueryError'
  /** 404 for a thing that is not there, 400 for a wrong question. */
  readonly status: 400 | 404
  readonly exists: readonly string[]

  constructor(status: 400 | 404, message: string, exists: readonly string[] = []) {
    super(message)
    this.status = status
    this.exists = exists.slice(0, MAX_LISTED)
  }
}

/**
 * The error for a name that does not exist.
 * @param what such as `Service`
 * @param where such as ` in namespace "default"`; empty: anywhere
 */
export function unknownName(what: string, name: string, existing: readonly string[], where = ''): StatusQueryError {
  const near = closestText(name, existing)
  const suggestion = near === undefined ? '' : `; did you mean ${quoteValue(near)}?`
  return new StatusQueryError(404, `No ${what} ${quoteValue(name)}${where}${suggestion}`, [...existing].sort())
}
