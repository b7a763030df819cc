import { type Protocol } from '../../../lib/model/protocol.js'
import { type RealServer, serverKey } from '../../../lib/system/virtual-server.js'
import { type ObservedServer } from '../../../lib/system/ipvs-text.js'
import { type MemoryTables } from './memory-tables.js'
import { isNodeAddress } from './kernel-rule.js'
import { type Packet, traverseChain } from './trace-packet.js'

/** What a packet meets in a kernel with IPVS. */
export interface IpvsState {
  /** Of the packet's family. */
  readonly rules: MemoryTables
  readonly servers: readonly ObservedServer[]
}

/** What becomes of a packet: who turned it away, if anybody, or which real servers take turns. */
export interface IpvsTrace {
  readonly verdict: 'dropped' | 'refused' | 'untouched' | 'balanced'
  readonly realServers: readonly RealServer[]
  /** Whether the endpoint sees the node's address in the place of the client's. */
  readonly isMasqueraded: boolean
}

/**
 * Walks the first packet of a connection through the kernel, where IPVS has its own places among the hooks:
 *
 *     from elsewhere   nat PREROUTING ─▶ filter INPUT, or FORWARD if no address of the node ─▶ IPVS (LOCAL_IN)
 *     from the node    mangle OUTPUT ─▶ nat OUTPUT ─▶ IPVS (LOCAL_OUT) ─▶ filter OUTPUT ─▶ filter INPUT, if of the node
 *
 * What IPVS has translated goes out by OUTPUT, of mangle and filter, and by nat POSTROUTING.
 */
export function traceIpvs({ rules, servers }: IpvsState, packet: Packet): IpvsTrace {
  const path = { mark: 0 }
  const isHere = isNodeAddress(packet, packet.destination)
  const isOurs = packet.hook === 'OUTPUT'
  const before: readonly HookStep[] = isOurs
    ? [
        ['mangle', 'OUTPUT'],
        ['nat', 'OUTPUT'],
      ]
    : [
        ['nat', 'PREROUTING'],
        ['filter', isHere ? 'INPUT' : 'FORWARD'],
      ]
  const rejected = traverseHooks(rules, before, packet, path)
  if (rejected !== undefined) return { ...NOT_BALANCED, verdict: rejected }
  const server = isOurs || isHere ? servers.find(server => serverKey(server) === packetServerKey(packet)) : undefined
  if (server !== undefined) return traceBalanced(rules, server, packet, path)
  const after: readonly HookStep[] = isOurs
    ? [['filter', 'OUTPUT'], ...(isHere ? [['filter', 'INPUT'] as const] : [])]
    : []
  return { ...NOT_BALANCED, verdict: traverseHooks(rules, after, packet, path) ?? 'untouched' }
}

/** A table and a chain of the kernel's own. */
type HookStep = readonly [table: string, chain: string]

const NOT_BALANCED = { realServers: [], isMasqueraded: false }

/** A server without anybody who takes new connections refuses. */
function traceBalanced(
  rules: MemoryTables,
  { realServers }: ObservedServer,
  packet: Packet,
  way: { mark: number },
): IpvsTrace {
  const taking = realServers.filter(({ weight }) => weight > 0)
  const results = taking.map(({ address, port }) => {
    const sent = { ...packet, destination: address, port }
    const own = { ...way }
    const barred = traverseHooks(
      rules,
      [
        ['mangle', 'OUTPUT'],
        ['filter', 'OUTPUT'],
      ],
      sent,
      own,
    )
    if (barred !== undefined) throw new Error(`on its way to ${address}:${port} it is ${barred}`)
    return traverseChain(rules, 'nat', 'POSTROUTING', sent, own) === 'masqueraded'
  })
  if (taking.length === 0) return { ...NOT_BALANCED, verdict: 'refused' }
  return { verdict: 'balanced', realServers: taking, isMasqueraded: results[0]! }
}

/** Who turns it away on the way, if anybody does. */
function traverseHooks(
  rules: MemoryTables,
  steps: readonly HookStep[],
  packet: Packet,
  way: { mark: number },
): 'dropped' | 'refused' | undefined {
  for (const [table, chain] of steps) {
    const verdict = traverseChain(rules, table, chain, packet, way)
    if (verdict === 'dropped' || verdict === 'refused') return verdict
    if (verdict !== undefined && verdict !== 'untouched') throw new Error(`${table} ${chain} leads it to ${verdict}`)
  }
  return undefined
}

function packetServerKey({ protocol, destination, port }: Packet): string {
  return serverKey({ protocol: protocol.toUpperCase() as Protocol, address: destination, port })
}
