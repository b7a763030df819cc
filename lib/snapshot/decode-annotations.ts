import { BALANCER_NAMES, type BalancerName } from '../model/service-port.js'
import { type ServiceObject } from '../model/objects.js'
import { type RawFields, fields, quote, text } from './decoded.js'

/** Prefix of this proxy's own annotations of a Service; kube-proxy has no such annotations. */
const ANNOTATION_PREFIX = 'kube-proxy-node/'

type ServiceAnnotations = Pick<ServiceObject, 'balancer' | 'maxConnections' | 'maxConnectionsPerClient'>

/** Reads this proxy's annotations in a Service's metadata. An invalid one counts as absent and is a problem. */
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

/** The text of an annotation, '' when absent, and its path for problems. */
function annotation(annotations: RawFields, name: string, problems: string[]): [value: string, path: string] {
  const key = ANNOTATION_PREFIX + name
  const path = `metadata.annotations["${key}"]`
  return [text(annotations[key], path, problems), path]
}
