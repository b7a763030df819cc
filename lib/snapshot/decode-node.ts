import { parseIp } from '../model/address.js'
import { type NodeObject } from '../model/objects.js'
import { type Decoded, fields, isObjectName, list, quote, text } from './decoded.js'

const ZONE_LABEL = 'topology.kubernetes.io/zone'

/** Reads a v1 Node: its zone and its addresses, InternalIP before ExternalIP as kube-proxy prefers them. */
export function decodeNode(raw: unknown): Decoded<NodeObject> {
  const problems: string[] = []
  const metadata = fields(fields(raw).metadata)
  const name = text(metadata.name, 'metadata.name', problems)
  if (!isObjectName(name)) {
    problems.push(`metadata.name: ${quote(name)} is not a valid name: object ignored`)
    return { object: undefined, problems }
  }
  const all = list(fields(fields(raw).status).addresses, 'status.addresses', problems).map(fields)
  const addresses = ['InternalIP', 'ExternalIP']
    .flatMap(type => all.filter(address => address.type === type))
    .map(({ address }) => parseIp(address))
    .filter(ip => ip !== undefined)
  const zone = text(fields(metadata.labels)[ZONE_LABEL], `metadata.labels["${ZONE_LABEL}"]`, problems)
  return { object: { name, zone, addresses }, problems }
}
