/**
 * What reading a raw API object gave: the object, unless it cannot be used at all, and a sentence for each field that
 * was wrong. A wrong field costs as little as it can: one bad port does not cost the Service its good ones.
 */
export interface Decoded<T> {
  readonly object: T | undefined
  readonly problems: readonly string[]
  /** Addresses that are right, and ignored for their IP family: no mistake in a manifest that is read by several clusters. */
  readonly wrongFamily?: readonly string[]
}

/** Fields of a JSON object, of which nothing is known yet. */
export type RawFields = Readonly<Record<string, unknown>>

/** The value as an object; anything else (null, a list, text) is an object without fields. */
export function fields(value: unknown): RawFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as RawFields) : {}
}

/** The value as a list; null and absent are the empty list, anything else is a problem at `path`. */
export function list(value: unknown, path: string, problems: string[]): readonly unknown[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value as unknown[]
  problems.push(`${path}: expected a list, found ${quote(value)}`)
  return []
}

/** The value as text; absent is '', anything else is a problem at `path`. */
export function text(value: unknown, path: string, problems: string[]): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  problems.push(`${path}: expected text, found ${quote(value)}`)
  return ''
}

/** A port number 1–65535, or undefined with a problem at `path`. */
export function portNumber(value: unknown, path: string, problems: string[]): number | undefined {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65535) return value
  problems.push(`${path}: expected a port from 1 to 65535, found ${quote(value)}`)
  return undefined
}

/** The value as true or false, or undefined when absent; anything else is a problem at `path`, and counts as absent. */
export function bool(value: unknown, path: string, problems: string[]): boolean | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'boolean') return value
  problems.push(`${path}: expected true or false, found ${quote(value)}`)
  return undefined
}

/** A port number, or 0 when there is none; what is neither is a problem at `path`. */
export function optionalPort(value: unknown, path: string, problems: string[]): number {
  return value === undefined || value === null || value === 0 ? 0 : (portNumber(value, path, problems) ?? 0)
}

/** Whether a traffic policy keeps traffic on the node; absent means `Cluster`. */
export function isLocalPolicy(value: unknown, path: string, problems: string[]): boolean {
  if (value === undefined || value === null || value === '' || value === 'Cluster') return false
  if (value === 'Local') return true
  problems.push(`${path}: ${quote(value)} is neither "Cluster" nor "Local": "Cluster" is used`)
  return false
}

/** A value as it can be shown in one line of a log: JSON, cut at 60 characters, with nothing that a terminal acts upon. */
export function quote(value: unknown): string {
  // Control characters and marks that change the order of what is read, as far as JSON leaves them as they are.
  const shown = json(value).replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return shown.length > 60 ? `${shown.slice(0, 57).replace(/[\ud800-\udbff]$/, '')}...` : shown
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return '(a value that goes too deep to be shown)'
  }
}

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const MAX_NAME_LENGTH = 253
const PORT_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

/**
 * Whether the API server would accept the text as an object's name (RFC 1123 subdomain). Names go into rule comments and
 * log lines, so what the API server would refuse is refused here too, whatever the source.
 */
export function isObjectName(name: string): boolean {
  return name.length <= MAX_NAME_LENGTH && NAME.test(name)
}

/** Whether the text may name a port (RFC 1123 label); the unnamed port is ''. */
export function isPortName(name: string): boolean {
  return name === '' || PORT_NAME.test(name)
}

/** `metadata.namespace` and `metadata.name`, checked; `namespace` is `default` when absent, as kubectl would fill in. */
export function objectName(raw: unknown, problems: string[]): { namespace: string; name: string } | undefined {
  const metadata = fields(fields(raw)['metadata'])
  const name = text(metadata['name'], 'metadata.name', problems)
  const namespace = text(metadata['namespace'], 'metadata.namespace', problems) || 'default'
  for (const [path, value] of [
    ['metadata.name', name],
    ['metadata.namespace', namespace],
  ] as const) {
    if (isObjectName(value)) continue
    problems.push(
      `${path}: ${quote(value)} is not a valid name (lower case letters, digits, "-" and "."): object ignored`,
    )
    return undefined
  }
  return { namespace, name }
}
