import { type PacketPath, sourceTranslationOf, translationOf } from '../../../lib/netfilter/walk/packet-path.js'
import { type RealServer, serverKey } from '../../../lib/system/virtual-server.js'
import { type ObservedServer } from '../../../lib/system/ipvs-text.js'
import { type MemoryTables } from './memory-tables.js'
import { type Packet, walkTestPacket } from './trace-packet.js'

/** The rules and virtual servers that handle a packet in a kernel with IPVS. */
export interface IpvsState {
  /** The rules of the packet's family. */
  readonly rules: MemoryTables
  readonly servers: readonly ObservedServer[]
}

/** The outcome of a packet: a verdict of the filter, or the real servers that take turns. */
export interface IpvsTrace {
  readonly verdict: 'dropped' | 'refused' | 'untouched' | 'balanced'
  readonly realServers: readonly RealServer[]
  /** Whether the endpoint sees the node's address as source. */
  readonly isMasqueraded: boolean
}

/** Traces the first packet of a connection through the rules and IPVS. */
export function traceIpvs({ rules, servers }: IpvsState, packet: Packet): IpvsTrace {
  const paths = walkTestPacket(rules, packet, (protocol, address, port) => {
    const server = servers.find(each => serverKey(each) === serverKey({ protocol, address, port }))
    return server && { ...server, realServers: server.realServers.filter(({ weight }) => weight > 0) }
  })
  const realServers = paths.flatMap(realServerOf)
  const [first] = paths
  const isBarred = ({ end }: PacketPath): boolean => end.kind === 'dropped' || end.kind === 'refused'
  if (realServers.length === 0 || paths.every(isBarred)) {
    const verdict = isBarred(first!) ? (first!.end.kind as 'dropped') : 'untouched'
    return { verdict, realServers: [], isMasqueraded: false }
  }
  if (paths.some(isBarred)) throw new Error('Some packets do not get to their real server')
  return { verdict: 'balanced', realServers, isMasqueraded: sourceTranslationOf(first!) !== undefined }
}

function realServerOf(path: PacketPath): RealServer[] {
  const step = translationOf(path)
  if (step?.kind !== 'virtual server' || step.after === undefined) return []
  return [{ address: step.after.destination, port: step.after.port, weight: 1 }]
}
