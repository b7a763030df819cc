import { type Protocol } from '../../lib/model/protocol.js'
import { type RealServer, serverKey } from '../../lib/system/virtual-server.js'
import { type FoundServer } from '../../lib/system/ipvs-text.js'
import { type KernelRules } from './kernel-rules.js'
import { isOfNode } from './kernel-rule.js'
import { type Packet, walkChain } from './trace-packet.js'

/** What a packet meets in a kernel with IPVS. */
export interface IpvsKernel {
  /** Of the packet's family. */
  readonly rules: KernelRules
  readonly servers: readonly FoundServer[]
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
export function traceIpvs({ rules, servers }: IpvsKernel, packet: Packet): IpvsTrace {
  const way = { mark: 0 }
  const isHere = isOfNode(packet, packet.destination)
  const isOurs = packet.hook === 'OUTPUT'
  const before: readonly Step[] = isOurs
    ? [
        ['mangle', 'OUTPUT'],
        ['nat', 'OUTPUT'],
      ]
    : [
        ['nat', 'PREROUTING'],
        ['filter', isHere ? 'INPUT' : 'FORWARD'],
      ]
  const barred = walk(rules, before, packet, way)
  if (barred !== undefined) return { ...NOT_BALANCED, verdict: barred }
  const server = isOurs || isHere ? servers.find(server => serverKey(server) === keyOf(packet)) : undefined
  if (server !== undefined) return balance(rules, server, packet, way)
  const after: readonly Step[] = isOurs ? [['filter', 'OUTPUT'], ...(isHere ? [['filter', 'INPUT'] as const] : [])] : []
  return { ...NOT_BALANCED, verdict: walk(rules, after, packet, way) ?? 'untouched' }
}

/** A table and a chain of the kernel's own. */
type Step = readonly [table: string, chain: string]

const NOT_BALANCED = { realServers: [], isMasqueraded: false }

/** A server without anybody who takes new connections refuses. */
function balance(rules: KernelRules, { realServers }: FoundServer, packet: Packet, way: { mark: number }): IpvsTrace {
  const taking = realServers.filter(({ weight }) => weight > 0)
  const results = taking.map(({ address, port }) => {
    const sent = { ...packet, destination: address, port }
    const own = { ...way }
    const barred = walk(
      rules,
      [
        ['mangle', 'OUTPUT'],
        ['filter', 'OUTPUT'],
      ],
      sent,
      own,
    )
    if (barred !== undefined) throw new Error(`on its way to ${address}:${port} it is ${barred}`)
    return walkChain(rules, 'nat', 'POSTROUTING', sent, own) === 'masqueraded'
  })
  if (taking.length === 0) return { ...NOT_BALANCED, verdict: 'refused' }
  return { verdict: 'balanced', realServers: taking, isMasqueraded: results[0]! }
}

/** Who turns it away on the way, if anybody does. */
function walk(
  rules: KernelRules,
  steps: readonly Step[],
  packet: Packet,
  way: { mark: number },
): 'dropped' | 'refused' | undefined {
  for (const [table, chain] of steps) {
    const verdict = walkChain(rules, table, chain, packet, way)
    if (verdict === 'dropped' || verdict === 'refused') return verdict
    if (verdict !== undefined && verdict !== 'untouched') throw new Error(`${table} ${chain} leads it to ${verdict}`)
  }
  return undefined
}

function keyOf({ protocol, destination, port }: Packet): string {
  return serverKey({ protocol: protocol.toUpperCase() as Protocol, address: destination, port })
}
