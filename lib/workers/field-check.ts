/** An object whose fields are not known yet. */
export type Fields = Readonly<Record<string, unknown>>

/** Whether a value of a message is what it has to be. */
export type FieldCheck = (value: unknown) => boolean

const MAX_PORT = 65_535

/** An object, a list included. */
export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

/** A text, perhaps an empty one. */
export function isText(value: unknown): value is string {
  return typeof value === 'string'
}

/** True or false. */
export function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean'
}

/** A number that counts or measures something. */
export function isCount(value: unknown): value is number {
  return Number.isFinite(value) && (value as number) >= 0
}

/** A number of things. */
export function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** The number of a port, or 0. */
export function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_PORT
}

/** A check that undefined passes, too. */
export function optional(check: FieldCheck): FieldCheck {
  return value => value === undefined || check(value)
}

/** A check of lists. */
export function listOf(check: FieldCheck): FieldCheck {
  // Unlike `every`, this looks at the holes of a list, too.
  return value => Array.isArray(value) && Array.from<unknown>(value).every(check)
}
