import { type KernelRules } from '../kernel-rules.js'
import { type Packet, type Trace, tracesOf } from '../trace-packet.js'

/**
 * What becomes of the first packet of a connection, in words that can be compared: each end that chance may lead it to, how
 * often of a hundred, and how. `10.244.0.2:8080 50% masqueraded`.
 */
export function answerOfRules(rules: KernelRules, packet: Packet): string {
  const often = new Map<string, number>()
  for (const trace of tracesOf(rules, packet)) {
    const end = inWords(trace)
    often.set(end, (often.get(end) ?? 0) + trace.probability)
  }
  return [...often]
    .map(([end, chance]) => (chance > 0.9999 ? end : `${end} ${(100 * chance).toFixed(1)}%`))
    .sort()
    .join(', ')
}

function inWords({ verdict, masqueraded, rememberedIn }: Trace): string {
  return [verdict, ...(masqueraded ? ['masqueraded'] : []), ...(rememberedIn === undefined ? [] : ['remembered'])].join(
    ' ',
  )
}

/** The lists of `-m recent` that the sender of a packet may get into. */
export function listsOfRules(rules: KernelRules, packet: Packet): string[] {
  return [...new Set(tracesOf(rules, packet).flatMap(({ rememberedIn }) => rememberedIn ?? []))].sort()
}
