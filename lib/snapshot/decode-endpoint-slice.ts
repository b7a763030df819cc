import { familyOf, parseIp } from '../model/address.js'
import {
  type EndpointSliceEndpoint,
  type EndpointSliceObject,
  type ObjectPort,
  type RefusedEndpoint,
} from '../model/objects.js'
import { specialAddress } from '../model/special-address.js'
import {
  type Decoded,
  type RawFields,
  fields,
  bool,
  isObjectName,
  list,
  objectName,
  quote,
  text,
  decodePort,
} from './decoded.js'

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'
const HEADLESS_LABEL = 'service.kubernetes.io/headless'
const TRIGGER_TIME_ANNOTATION = 'endpoints.kubernetes.io/last-change-trigger-time'
/** The topology key of v1beta1 for an endpoint's node, from before `nodeName`. */
const HOSTNAME_TOPOLOGY = 'kubernetes.io/hostname'

/** Reads a discovery.k8s.io EndpointSlice, v1 or v1beta1. They differ only in the field for an endpoint's node. */
export function decodeEndpointSlice(raw: unknown): Decoded<EndpointSliceObject> {
  const problems: string[] = []
  const name = objectName(raw, problems)
  if (name === undefined) return { object: undefined, problems }
  const metadata = fields(fields(raw)['metadata'])
  const labels = fields(metadata['labels'])
  if (labels[HEADLESS_LABEL] !== undefined) return { object: undefined, problems }
  const addressType = fields(raw)['addressType']
  if (addressType !== 'IPv4' && addressType !== 'IPv6') {
    // FQDN slices are valid, but not for a proxy. Any other type is a mistake.
    if (addressType !== 'FQDN')
      problems.push(`addressType: ${quote(addressType)} is neither "IPv4" nor "IPv6": slice ignored`)
    return { object: undefined, problems }
  }
  const serviceName = text(labels[SERVICE_NAME_LABEL], `metadata.labels["${SERVICE_NAME_LABEL}"]`, problems)
  if (!isObjectName(serviceName)) {
    problems.push(`metadata.labels["${SERVICE_NAME_LABEL}"]: ${quote(serviceName)} names no Service: slice ignored`)
    return { object: undefined, problems }
  }
  const wrongFamily: string[] = []
  const endpoints: EndpointSliceEndpoint[] = []
  const refused: RefusedEndpoint[] = []
  for (const [index, value] of list(fields(raw)['endpoints'], 'endpoints', problems).entries()) {
    const path = `endpoints[${index}]`
    const endpoint = decodeEndpoint(fields(value), path, problems, refused)
    if (endpoint === undefined) continue
    if (familyOf(endpoint.ip) === addressType) endpoints.push(endpoint)
    else {
      const why = `not an ${addressType} address`
      wrongFamily.push(`${path}.addresses[0]: ${quote(endpoint.ip)} is ${why}: endpoint ignored`)
      refused.push({ address: endpoint.ip, why })
    }
  }
  return {
    object: {
      ...name,
      serviceName,
      family: addressType,
      ports: decodePorts(fields(raw)['ports'], problems),
      endpoints,
      ...(refused.length > 0 && { refused }),
      triggerTime: triggerTime(metadata),
    },
    problems,
    wrongFamily,
  }
}

function decodePorts(value: unknown, problems: string[]): ObjectPort[] {
  const ports: ObjectPort[] = []
  for (const [index, raw] of list(value, 'ports', problems).entries()) {
    // A slice may omit the number, which means "all ports": no mistake, but a proxy cannot use it.
    const number = fields(raw)['port']
    if (number === undefined || number === null || number === 0) continue
    const port = decodePort(raw, `ports[${index}]`, problems)
    if (port !== undefined) ports.push(port)
  }
  return ports
}

function decodeEndpoint(
  raw: RawFields,
  path: string,
  problems: string[],
  refused: RefusedEndpoint[],
): EndpointSliceEndpoint | undefined {
  // Only the first address counts (kube-proxy 1.36): the slice controller never uses the others.
  const address = list(raw['addresses'], `${path}.addresses`, problems)[0]
  if (address === undefined) return undefined
  const ip = endpointAddress(address, `${path}.addresses[0]`, problems, refused)
  if (ip === undefined) return undefined
  const conditions = fields(raw['conditions'])
  const condition = (name: string) => bool(conditions[name], `${path}.conditions.${name}`, problems)
  const hints = fields(raw['hints'])
  const ready = condition('ready') ?? true
  return {
    ip,
    ready,
    // As in kube-proxy 1.36. It matters only for a terminating endpoint.
    serving: condition('serving') ?? true,
    terminating: condition('terminating') ?? false,
    nodeName: text(raw['nodeName'] ?? fields(raw['topology'])[HOSTNAME_TOPOLOGY], `${path}.nodeName`, problems),
    isPod: isPodReference(raw['targetRef']),
    zoneHints: hintNames(hints['forZones'], `${path}.hints.forZones`, problems),
    nodeHints: hintNames(hints['forNodes'], `${path}.hints.forNodes`, problems),
  }
}

/** Whether an endpoint's `targetRef` names a Pod. */
export function isPodReference(targetRef: unknown): boolean {
  const { kind, name } = fields(targetRef)
  return kind === 'Pod' && typeof name === 'string' && name !== ''
}

function hintNames(value: unknown, path: string, problems: string[]): string[] {
  return list(value, path, problems)
    .map((hint, index) => text(fields(hint)['name'], `${path}[${index}].name`, problems))
    .filter(name => name !== '')
}

/**
 * The address of an endpoint. An address that may not be one gives undefined, a problem at `path`, and an entry in `refused`.
 */
export function endpointAddress(
  value: unknown,
  path: string,
  problems: string[],
  refused: RefusedEndpoint[],
): string | undefined {
  const ip = parseIp(value)
  const special = ip === undefined ? undefined : specialAddress(ip)
  if (ip !== undefined && special === undefined) return ip
  const article = special === 'unspecified' ? 'an' : 'a'
  const why = ip === undefined ? 'not an IP address' : `${article} ${special} address, which may not be an endpoint`
  problems.push(`${path}: ${quote(value)} is ${why}: endpoint ${ip === undefined ? 'ignored' : 'refused'}`)
  refused.push({ address: ip ?? quote(value), why })
  return undefined
}

/**
 * When the change was made, ms since 1970: an annotation of the slice and endpoints controllers. An unreadable one counts as
 * absent, as in kube-proxy.
 */
export function triggerTime(metadata: RawFields): number | undefined {
  const text = fields(metadata['annotations'])[TRIGGER_TIME_ANNOTATION]
  // Date.parse accepts much more than RFC 3339: "7" is a day in 2001.
  const time = typeof text === 'string' && /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}
