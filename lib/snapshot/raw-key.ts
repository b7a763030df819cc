import { type ObjectKind } from '../model/objects.js'
import { fields, quote } from './decoded.js'

/** The key a raw object is stored under, also when its name is not a valid one. */
export function rawKey(kind: ObjectKind, raw: unknown): string {
  const { namespace, name } = fields(fields(raw)['metadata'])
  if (kind === 'Node') return keyText(name)
  return `${keyText(namespace) || 'default'}/${keyText(name)}`
}

/** Tells the states of one object apart (API conventions: resourceVersion); undefined where nobody gave it one, as in manifests. */
export function rawVersion(raw: unknown): string | undefined {
  const { uid, resourceVersion } = fields(fields(raw)['metadata'])
  if (typeof resourceVersion !== 'string' || resourceVersion === '') return undefined
  return `${typeof uid === 'string' ? uid : ''} ${resourceVersion}`
}

/** A name that is no text becomes one that no object can have. */
function keyText(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined || value === null ? '' : `(${quote(value)})`
}
