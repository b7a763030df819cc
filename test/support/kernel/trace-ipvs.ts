import { type Protocol } from '../../../lib/model/protocol.js'
import { type RealServer, serverKey } from '../../../lib/system/virtual-server.js'
import { type ObservedServer } from '../../../lib/system/ipvs-text.js'
import { type MemoryTables } from './memory-tables.js'
import { isNodeAddress } from './kernel-rule.js'
import { type Packet, traverseChain } from './trace-packet.js'

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

/**
 * Traces the first packet of a connection through the kernel. IPVS has its own hooks:
 *
 *     from elsewhere   nat PREROUTING ─▶ filter INPUT, or FORWARD if no address of the node ─▶ IPVS (LOCAL_IN)
 *     from the node    mangle OUTPUT ─▶ nat OUTPUT ─▶ IPVS (LOCAL_OUT) ─▶ filter OUTPUT ─▶ filter INPUT, if of the node
 *
 * A packet that IPVS has translated leaves through OUTPUT of mangle and filter and through nat POSTROUTING.
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

/** A table and a built-in chain. */
type HookStep = readonly [table: string, chain: string]

const NOT_BALANCED = { realServers: [], isMasqueraded: false }

/** A virtual server without real servers that accept connections refuses. */
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

/** The verdict that ends the packet's path before IPVS, if any. */
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
