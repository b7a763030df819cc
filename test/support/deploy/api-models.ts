import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as models from '@kubernetes/client-node'
import { API_VALUES } from './api-values.js'

interface Attribute {
  readonly name: string
  readonly baseName: string
  readonly type: string
}

/** The class of each kind of object in the manifests. */
const CLASSES: Readonly<Record<string, string>> = {
  'v1/ServiceAccount': 'V1ServiceAccount',
  'v1/ConfigMap': 'V1ConfigMap',
  'apps/v1/DaemonSet': 'V1DaemonSet',
  'rbac.authorization.k8s.io/v1/ClusterRole': 'V1ClusterRole',
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': 'V1ClusterRoleBinding',
}
/** Types whose values are not objects with known fields. */
const SCALARS = ['string', 'number', 'boolean', 'any', 'Date', 'IntOrString', 'object']

/**
 * Compares an object with the API as the official client knows it, which is newer than the API server of the tests.
 * @returns what is wrong: unknown fields, fields that are missing, values of another type, and values that the field does not have
 */
export function problemsOf(object: Readonly<Record<string, unknown>>): string[] {
  const type = `${String(object['apiVersion'])}/${String(object['kind'])}`
  const name = CLASSES[type]
  if (name === undefined) return [`${type}: a kind of object that no test knows`]
  return check(object, name, String(object['kind']))
}

function check(value: unknown, type: string, path: string): string[] {
  const list = /^Array<(.*)>$/.exec(type)?.[1]
  if (list !== undefined) {
    if (!Array.isArray(value)) return [`${path}: expected a list`]
    return value.flatMap((item, index) => check(item, list, `${path}[${index}]`))
  }
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1]
  if (map !== undefined) {
    if (!isObject(value)) return [`${path}: expected a map`]
    return Object.entries(value).flatMap(([key, item]) => check(item, map, `${path}.${key}`))
  }
  if (SCALARS.includes(type)) {
    const fits = ['string', 'number', 'boolean'].includes(type) ? typeof value === type : !isObject(value)
    return fits ? [] : [`${path}: expected ${type}`]
  }
  if (!isObject(value)) return [`${path}: expected an object`]
  const model = (models as unknown as Record<string, { getAttributeTypeMap?: () => Attribute[] }>)[type]
  const attributes = model?.getAttributeTypeMap?.()
  if (attributes === undefined) return [`${path}: the client has no type ${type}`]
  const missing = requiredFields(type).filter(name => value[name] === undefined)
  const wrong = Object.entries(value).flatMap(([key, item]) => {
    const attribute = attributes.find(({ baseName }) => baseName === key)
    if (attribute === undefined) return [`${path}.${key}: unknown field`]
    return [...checkValue(item, `${type}.${key}`, `${path}.${key}`), ...check(item, attribute.type, `${path}.${key}`)]
  })
  return [...missing.map(name => `${path}.${name}: missing`), ...wrong]
}

/** A field that is an enumeration has one of its values. One that only reads like an enumeration must be in the table first. */
function checkValue(item: unknown, field: string, path: string): string[] {
  const values = API_VALUES[field]
  if (values !== undefined) return values.includes(item as string) ? [] : [`${path}: expected ${values.join(', ')}`]
  const isOpen = typeof item !== 'string' || !looksLikeEnumeration(field)
  return isOpen ? [] : [`${path}: add the values of ${field} to api-values.ts`]
}

/** The declaration of a type of the client, which has what its code leaves out: the fields that are required, and their texts. */
function readDeclaration(type: string): string {
  const main = fileURLToPath(import.meta.resolve('@kubernetes/client-node'))
  return readFileSync(join(dirname(main), 'gen', 'models', `${type}.d.ts`), 'utf8')
}

function requiredFields(type: string): string[] {
  return [...readDeclaration(type).matchAll(/^ {4}'(\w+)': /gm)].map(([, name]) => name!)
}

function looksLikeEnumeration(field: string): boolean {
  const [type, name] = field.split('.')
  const [, comment = ''] =
    new RegExp(`/\\*\\*\\n([^/]*(?:/[^*][^/]*)*)\\*/\\n {4}'${name}'\\??: string;`).exec(readDeclaration(type!)) ?? []
  const last = comment.slice(comment.lastIndexOf('/**') + 1)
  return /\b(One of|Valid (options|operators|values) are|Possible (enum )?values|Can be \\?"|Must be \\?")/i.test(last)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
