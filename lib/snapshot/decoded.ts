import { type ObjectPort } from '../model/objects.js'
import { parseProtocol } from '../model/protocol.js'
import { escapeControls } from '../primitives/quote-value.js'

/**
 * The result of reading a raw API object: the object, unless it is unusable, and a sentence for each wrong field. A wrong
 * field costs as little as possible: one bad port does not cost the Service its good ones.
 */
export interface Decoded<T> {
  readonly object: T | undefined
  readonly problems: readonly string[]
  /** The problems of fields that the API server accepts whatever they contain, such as annotations: the object counts all the same. */
  readonly tolerated?: readonly string[]
  /** Valid addresses that are ignored for their IP family: no mistake in a manifest that several clusters read. */
  readonly wrongFamily?: readonly string[]
}

/** Fields of a JSON object, not checked yet. */
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

/** A port number, or 0 when absent; anything else is a problem at `path`. */
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

/** A value for one line of a log: JSON, cut at 60 characters, without anything that a terminal interprets. */
export function quote(value: unknown): string {
  // JSON does not escape all control characters, nor marks that change the direction of text.
  const shown = escapeControls(json(value))
  return shown.length > 60 ? `${shown.slice(0, 57).replace(/[\ud800-\udbff]$/, '')}...` : shown
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return '(a value too deep to show)'
  }
}

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const MAX_NAME_LENGTH = 253
const PORT_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

/**
 * Whether the API server would accept the text as an object's name (RFC 1123 subdomain). Names go into rule comments and
 * log lines, so a name that the API server would refuse is refused here too, from any source.
 */
export function isObjectName(name: string): boolean {
  return name.length <= MAX_NAME_LENGTH && NAME.test(name)
}

/** Whether the text may name a port (RFC 1123 label); the unnamed port is ''. */
export function isPortName(name: string): boolean {
  return name === '' || PORT_NAME.test(name)
}

/** `metadata.namespace` and `metadata.name`, checked. An absent `namespace` is `default`, as in kubectl. */
export function objectName(raw: unknown, problems: string[]): { namespace: string; name: string } | undefined {
  const metadata = fields(fields(raw)['metadata'])
  const { name } = metadata
  // A namespace that is not text must not become `default`: the object would take the place of another one.
  const namespace = metadata['namespace'] ?? ''
  const read = { name, namespace: namespace === '' ? 'default' : namespace }
  for (const [path, value] of Object.entries(read)) {
    if (typeof value === 'string' && isObjectName(value)) continue
    problems.push(
      `metadata.${path}: ${quote(value ?? '')} is not a valid name (lower case letters, digits, "-" and "."): object ignored`,
    )
    return undefined
  }
  return read as { namespace: string; name: string }
}

/** Reads one entry of a list of ports; undefined, with a problem at `path`, when any of the three is wrong. */
export function decodePort(raw: unknown, path: string, problems: string[]): ObjectPort | undefined {
  const entry = fields(raw)
  const name = text(entry['name'], `${path}.name`, problems)
  const protocol = parseProtocol(entry['protocol'])
  const port = portNumber(entry['port'], `${path}.port`, problems)
  if (!isPortName(name)) problems.push(`${path}.name: ${quote(name)} is not a valid port name: port ignored`)
  else if (protocol === undefined)
    problems.push(`${path}.protocol: ${quote(entry['protocol'])} is none of TCP, UDP, SCTP`)
  else if (port !== undefined) return { name, protocol, port }
  return undefined
}
