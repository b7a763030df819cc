import { type MemoryTables } from '../kernel/memory-tables.js'
import { type Packet, type Trace, traceAll } from '../kernel/trace-packet.js'

/**
 * The outcome of the first packet of a connection as text that can be compared: each possible target, its
 * probability in percent, and how it gets there. `10.244.0.2:8080 50% masqueraded`.
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

/** The lists of `-m recent` to which rules may add the sender of a packet. */
export function recentLists(rules: MemoryTables, packet: Packet): string[] {
  return [...new Set(traceAll(rules, packet).flatMap(({ recentList }) => recentList ?? []))].sort()
}
