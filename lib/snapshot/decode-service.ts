import { parseIp } from '../model/address.js'
import { type ServiceObject, type ServiceObjectPort } from '../model/objects.js'
import { wrongFamilyAddresses } from './wrong-family-addresses.js'
import { decodeAnnotations } from './decode-annotations.js'
import { decodeExternal } from './decode-external.js'
import {
  type Decoded,
  type RawFields,
  fields,
  isLocalPolicy,
  list,
  objectName,
  optionalPort,
  quote,
  text,
  decodePort,
} from './decoded.js'

/** The API's default of `sessionAffinityConfig.clientIP.timeoutSeconds`: three hours. */
export const DEFAULT_AFFINITY_SECONDS = 10_800
/** The API's upper bound of the same field: one day. */
const MAX_AFFINITY_SECONDS = 86_400

/** Reads a v1 Service from the API server or a manifest. */
export function decodeService(raw: unknown): Decoded<ServiceObject> {
  const problems: string[] = []
  const tolerated: string[] = []
  const name = objectName(raw, problems)
  if (name === undefined) return { object: undefined, problems }
  const spec = fields(fields(raw)['spec'])
  const clusterIP = text(spec['clusterIP'], 'spec.clusterIP', problems)
  const type = text(spec['type'], 'spec.type', problems) || 'ClusterIP'
  const addresses = clusterIPs(spec, clusterIP, problems)
  const external = decodeExternal(raw, spec, type, problems)
  const object: ServiceObject = {
    ...name,
    uid: text(fields(fields(raw)['metadata'])['uid'], 'metadata.uid', problems),
    labels: labels(fields(fields(raw)['metadata'])),
    type,
    clusterIP,
    clusterIPs: addresses,
    ports: ports(spec, problems),
    affinitySeconds: affinitySeconds(spec, problems),
    ...decodeAnnotations(fields(fields(raw)['metadata']), tolerated),
    internalPolicyLocal: internalPolicyLocal(spec, problems),
    ...external,
    createdAt: createdAt(fields(fields(raw)['metadata'])),
  }
  return { object, problems: [...problems, ...tolerated], tolerated, wrongFamily: wrongFamilyAddresses(object) }
}

/** Only the presence of a label counts, so a value that is not text is no problem. */
function labels(metadata: RawFields): Record<string, string> {
  const entries = Object.entries(fields(metadata['labels']))
  return Object.fromEntries(entries.map(([key, value]) => [key, typeof value === 'string' ? value : '']))
}

function internalPolicyLocal(spec: RawFields, problems: string[]): boolean {
  return isLocalPolicy(spec['internalTrafficPolicy'], 'spec.internalTrafficPolicy', problems)
}

/** `spec.clusterIPs` from a server with dual stack, else the one of `spec.clusterIP`. */
function clusterIPs(spec: RawFields, clusterIP: string, problems: string[]): string[] {
  const many = list(spec['clusterIPs'], 'spec.clusterIPs', problems)
  const [path, values] = many.length > 0 ? ['spec.clusterIPs', many] : ['spec.clusterIP', [clusterIP]]
  const parsed: string[] = []
  for (const value of values) {
    if (value === '' || value === 'None') continue
    const ip = parseIp(value)
    if (ip === undefined) problems.push(`${path}: ${quote(value)} is not an IP address`)
    else if (!parsed.includes(ip)) parsed.push(ip)
  }
  return parsed
}

function ports(spec: RawFields, problems: string[]): ServiceObjectPort[] {
  const decoded = new Map<string, ServiceObjectPort>()
  for (const [index, raw] of list(spec['ports'], 'spec.ports', problems).entries()) {
    const path = `spec.ports[${index}]`
    const port = decodePort(raw, path, problems)
    if (port === undefined) continue
    const key = `${port.name}/${port.protocol}`
    if (decoded.has(key)) problems.push(`${path}.name: ${quote(port.name)} is used twice: port ignored`)
    else decoded.set(key, { ...port, nodePort: optionalPort(fields(raw)['nodePort'], `${path}.nodePort`, problems) })
  }
  return [...decoded.values()]
}

/** ms since 1970. 0 when absent, as in manifests: older than any other, and then names decide. */
function createdAt(metadata: RawFields): number {
  const text = metadata['creationTimestamp']
  const time = typeof text === 'string' ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? 0 : time
}

/** Undefined without session affinity. The default replaces a timeout that the API server would refuse. */
function affinitySeconds(spec: RawFields, problems: string[]): number | undefined {
  const affinity = text(spec['sessionAffinity'], 'spec.sessionAffinity', problems)
  if (affinity === '' || affinity === 'None') return undefined
  if (affinity !== 'ClientIP') {
    problems.push(`spec.sessionAffinity: ${quote(affinity)} is neither "None" nor "ClientIP": no affinity`)
    return undefined
  }
  const seconds = fields(fields(spec['sessionAffinityConfig'])['clientIP'])['timeoutSeconds']
  if (seconds === undefined || seconds === null) return DEFAULT_AFFINITY_SECONDS
  if (typeof seconds === 'number' && Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_AFFINITY_SECONDS) {
    return seconds
  }
  problems.push(
    `spec.sessionAffinityConfig.clientIP.timeoutSeconds: expected 1 to ${MAX_AFFINITY_SECONDS}, found ${quote(seconds)}: ` +
      `${DEFAULT_AFFINITY_SECONDS} is used`,
  )
  return DEFAULT_AFFINITY_SECONDS
}
