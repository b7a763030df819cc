import { type MemoryTables } from '../kernel/memory-tables.js'
import { type Packet, type Trace, traceAll } from '../kernel/trace-packet.js'

/**
 * What becomes of the first packet of a connection, in words that can be compared: each end that chance may lead it to, how
 * often of a hundred, and how. `10.244.0.2:8080 50% masqueraded`.
 */
export function ruleOutcome(rules: MemoryTables, packet: Packet): string {
  const probabilities = new Map<string, number>()
  for (const trace of traceAll(rules, packet)) {
    const end = formatTrace(trace)
    probabilities.set(end, (probabilities.get(end) ?? 0) + trace.probability)
  }
  return [...probabilities]
    .map(([end, chance]) => (chance > 0.9999 ? end : `${end} ${(100 * chance).toFixed(1)}%`))
    .sort()
    .join(', ')
}

function formatTrace({ verdict, isMasqueraded, recentList }: Trace): string {
  return [verdict, ...(isMasqueraded ? ['masqueraded'] : []), ...(recentList === undefined ? [] : ['remembered'])].join(
    ' ',
  )
}

/** The lists of `-m recent` that the sender of a packet may get into. */
export function recentLists(rules: MemoryTables, packet: Packet): string[] {
  return [...new Set(traceAll(rules, packet).flatMap(({ recentList }) => recentList ?? []))].sort()
}
