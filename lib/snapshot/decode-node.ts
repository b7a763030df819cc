import { parseIp } from '../model/address.js'
import { parseCidr } from '../model/cidr.js'
import { type NodeObject } from '../model/objects.js'
import { type Decoded, fields, isObjectName, list, quote, text } from './decoded.js'

const ZONE_LABEL = 'topology.kubernetes.io/zone'
const TO_BE_DELETED_TAINT = 'ToBeDeletedByClusterAutoscaler'

/** Reads a v1 Node. Its addresses: InternalIP before ExternalIP, the preference of kube-proxy. */
export function decodeNode(raw: unknown): Decoded<NodeObject> {
  const problems: string[] = []
  const metadata = fields(fields(raw)['metadata'])
  const name = text(metadata['name'], 'metadata.name', problems)
  if (!isObjectName(name)) {
    problems.push(`metadata.name: ${quote(name)} is not a valid name: object ignored`)
    return { object: undefined, problems }
  }
  const all = list(fields(fields(raw)['status'])['addresses'], 'status.addresses', problems).map(fields)
  const addresses = ['InternalIP', 'ExternalIP']
    .flatMap(type => all.filter(address => address['type'] === type))
    .map(({ address }) => parseIp(address))
    .filter(ip => ip !== undefined)
  const zone = text(fields(metadata['labels'])[ZONE_LABEL], `metadata.labels["${ZONE_LABEL}"]`, problems)
  const spec = fields(fields(raw)['spec'])
  const podCIDRs = list(spec['podCIDRs'] ?? toList(spec['podCIDR']), 'spec.podCIDRs', problems)
    .map(range => (typeof range === 'string' ? parseCidr(range) : undefined))
    .filter(range => range !== undefined)
  const isTainted = list(spec['taints'], 'spec.taints', problems).some(
    taint => fields(taint)['key'] === TO_BE_DELETED_TAINT,
  )
  const eligible = !isTainted && (metadata['deletionTimestamp'] === undefined || metadata['deletionTimestamp'] === null)
  return { object: { name, zone, addresses, podCIDRs, eligible }, problems }
}

/** A server without dual stack has one range, in a separate field. */
function toList(range: unknown): unknown {
  return range === undefined || range === null ? undefined : [range]
}
