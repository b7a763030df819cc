import { BALANCER_NAMES, type BalancerName } from '../model/balancer-name.js'
import { type ServiceObject } from '../model/objects.js'
import { type RawFields, fields, quote, text } from './decoded.js'

/** Annotations of a Service that are ours; kube-proxy has none of the kind. */
const ANNOTATION_PREFIX = 'kube-proxy-node/'

type ServiceAnnotations = Pick<ServiceObject, 'balancer' | 'maxConnections' | 'maxConnectionsPerClient'>

/** Reads our annotations in a Service's metadata. One that cannot be used counts as not there, and is told. */
export function decodeAnnotations(metadata: RawFields, problems: string[]): ServiceAnnotations {
  const annotations = fields(metadata['annotations'])
  return {
    balancer: balancer(annotations, problems),
    maxConnections: limit(annotations, 'max-connections', problems),
    maxConnectionsPerClient: limit(annotations, 'max-connections-per-client', problems),
  }
}

function balancer(annotations: RawFields, problems: string[]): BalancerName {
  const [value, path] = annotation(annotations, 'balancer', problems)
  const [byDefault] = BALANCER_NAMES
  if (value === '') return byDefault
  const name = BALANCER_NAMES.find(name => name === value)
  if (name === undefined) {
    const known = BALANCER_NAMES.map(quote).join(', ')
    problems.push(`${path}: ${quote(value)} is none of ${known}: ${quote(byDefault)} is used`)
  }
  return name ?? byDefault
}

function limit(annotations: RawFields, name: string, problems: string[]): number | undefined {
  const [value, path] = annotation(annotations, name, problems)
  if (value === '') return undefined
  const number = /^[0-9]+$/.test(value) ? Number(value) : 0
  if (number >= 1 && Number.isSafeInteger(number)) return number
  problems.push(`${path}: expected a whole number from 1, found ${quote(value)}: no limit`)
  return undefined
}

/** The text of an annotation, '' when it is not there, and the path to name it by. */
function annotation(annotations: RawFields, name: string, problems: string[]): [value: string, path: string] {
  const key = ANNOTATION_PREFIX + name
  const path = `metadata.annotations["${key}"]`
  return [text(annotations[key], path, problems), path]
}
