import { parseCidr, cidrContains } from '../../../lib/model/cidr.js'
import { type IpAddress, familyOf } from '../../../lib/model/address.js'
import { type MemoryIpSets, type MemorySet } from './memory-ip-sets.js'

/** The properties of a packet that sets match. */
export interface SetMatchInput {
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  readonly source?: IpAddress
  readonly destination: IpAddress
  /** The destination port. */
  readonly port: number
}

/**
 * Whether a set contains a packet, as in `-m set --match-set NAME DIRECTIONS`.
 * @param directions `src` or `dst` for each part of an entry
 */
export function matchesSet(
  sets: Pick<MemoryIpSets, 'get'>,
  name: string,
  directions: string,
  packet: SetMatchInput,
): boolean {
  const set = sets.get(name)
  if (set === undefined) throw new Error(`no set: ${name}`)
  const kinds = set.type.slice(set.type.indexOf(':') + 1).split(',')
  const ways = directions.split(',')
  if (ways.length !== kinds.length) throw new Error(`${directions} for a set of ${set.type}: ${name}`)
  if (!hasFamily(set, packet.destination)) return false
  // The kernel's set of ports supports only these protocols.
  if (set.type === 'bitmap:port')
    return ways[0] === 'dst' && packet.protocol !== 'sctp' && set.entries.has(String(packet.port))
  return [...set.entries].some(entry =>
    entry.split(',').every((part, index) => matchesEntryPart(kinds[index]!, part, ways[index]!, packet)),
  )
}

function matchesEntryPart(
  kind: string,
  part: string,
  way: string,
  { source, destination, protocol, port }: SetMatchInput,
): boolean {
  if (kind === 'port') {
    if (way !== 'dst') throw new Error('no source port is known')
    return part === `${protocol}:${port}`
  }
  const address = way === 'dst' ? destination : source
  if (address === undefined) return false
  return part.includes('/') ? cidrContains(parseCidr(part)!, address) : address === part
}

function hasFamily({ family }: MemorySet, address: IpAddress): boolean {
  return family === undefined || family === (familyOf(address) === 'IPv4' ? 'inet' : 'inet6')
}
