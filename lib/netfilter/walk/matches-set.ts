import { cidrContains, parseCidr } from '../../model/cidr.js'
import { type Answer, anyOf } from './answer.js'
import { type KernelSet } from './kernel-set.js'
import { type PacketView } from './packet-view.js'

/** The fields of a packet that sets match. */
type MatchedFields = Pick<PacketView, 'protocol' | 'source' | 'sourcePort' | 'destination' | 'port'>

/**
 * Whether a set contains a packet, as in `-m set --match-set NAME FIELDS`.
 * @param fields `src` or `dst` for each part of an entry
 */
export function matchesSet(set: KernelSet, fields: readonly string[], packet: MatchedFields): Answer {
  const kinds = set.type.slice(set.type.indexOf(':') + 1).split(',')
  if (kinds.some(kind => !['ip', 'net', 'port'].includes(kind)) || kinds.length !== fields.length) return 'unknown'
  if (set.type === 'bitmap:port') {
    // The kernel's set of ports knows only these protocols.
    if (packet.protocol === 'SCTP') return 'no'
    const port = fields[0] === 'dst' ? packet.port : packet.sourcePort
    return port === undefined ? 'unknown' : set.entries.has(String(port)) ? 'yes' : 'no'
  }
  const parts = kinds.map((kind, index) => packetPart(kind, fields[index]!, packet))
  if (!kinds.includes('net') && parts.every(part => part !== undefined))
    return set.entries.has(parts.join(',')) ? 'yes' : 'no'
  return anyOf([...set.entries].map(entry => matchesEntry(entry.split(','), parts)))
}

/** The part of an entry that would match the packet; undefined: unknown. */
function packetPart(
  kind: string,
  field: string,
  { protocol, source, sourcePort, destination, port }: MatchedFields,
): string | undefined {
  const isDestination = field === 'dst'
  if (kind !== 'port') return isDestination ? destination : source
  const number = isDestination ? port : sourcePort
  return number === undefined ? undefined : `${protocol.toLowerCase()}:${number}`
}

function matchesEntry(entry: readonly string[], parts: readonly (string | undefined)[]): Answer {
  let answer: Answer = 'yes'
  for (const [index, part] of parts.entries()) {
    const own = entry[index] ?? ''
    if (part === undefined) answer = 'unknown'
    else if (own.includes('/') ? !cidrContains(parseCidr(own)!, part) : own !== part) return 'no'
  }
  return answer
}
