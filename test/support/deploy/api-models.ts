import * as models from '@kubernetes/client-node'

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
 * @returns what is wrong: unknown fields, and values of another type
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
  return Object.entries(value).flatMap(([key, item]) => {
    const attribute = attributes.find(({ baseName }) => baseName === key)
    return attribute === undefined ? [`${path}.${key}: unknown field`] : check(item, attribute.type, `${path}.${key}`)
  })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
