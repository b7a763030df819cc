import { isLoopback } from '../../../lib/dataplane/limits/client-filter.js'
import { type RulePacket, isNodeAddress, parseKernelRule } from './kernel-rule.js'
import { type MemoryTables } from './memory-tables.js'

/** A packet at its start. Its origin matters only for rules that match on it. */
export interface Packet extends Omit<RulePacket, 'isTranslated' | 'mark'> {
  /** Where it enters the kernel: from a Pod or another host, or from a process on the node. */
  readonly hook: 'PREROUTING' | 'OUTPUT'
}

/**
 * `10.0.0.1:80` after a DNAT, `port 80 here` after a REDIRECT, `dropped` or `refused` by the filter, `untouched` when no rule
 * has changed or stopped it.
 */
export type Verdict = string

/** One path of a packet, for one outcome of each random choice. */
export interface Trace {
  readonly verdict: Verdict
  /** The probability of this path. */
  readonly probability: number
  /** Whether the packet leaves with an address of the node as source. */
  readonly isMasqueraded: boolean
  /** The list of `-m recent` into which a rule has put the sender, if any. */
  readonly recentList: string | undefined
  /** The comment of the rule that translated it, if one did. */
  readonly comment: string | undefined
}

const MAX_JUMP_DEPTH = 16

/** Traces the first packet of a connection through nat and then through filter. @returns its verdict */
export function tracePacket(rules: MemoryTables, packet: Packet): Verdict {
  const [trace, ...others] = traceAll(rules, packet)
  if (others.length > 0) throw new Error(`the outcome is random: ${others.length + 1} paths`)
  return trace!.verdict
}

/** All paths of the first packet of a client: one for each outcome of each random choice. */
export function traceAll(rules: MemoryTables, packet: Packet): Trace[] {
  const traces: Trace[] = []
  let tape: boolean[] | undefined = []
  while (tape !== undefined) {
    const way: TracePath = new TracePath(tape)
    traces.push(traceOnce(rules, packet, way))
    tape = way.nextChoices()
  }
  return traces
}

/**
 * What one built-in chain does with the first packet of a connection, without random choices; undefined: nothing.
 * @param way state that the packet keeps from chain to chain
 */
export function traverseChain(
  rules: MemoryTables,
  table: string,
  chain: string,
  packet: Packet,
  way: Pick<TracePath, 'mark'>,
): Verdict | undefined {
  const own = new TracePath([])
  own.mark = way.mark
  const verdict = traverse(rules, table, chain, { ...packet, isTranslated: false }, own, 0)
  if (own.nextChoices() !== undefined) throw new Error(`the outcome is random: ${chain}`)
  way.mark = own.mark
  return verdict
}

/** The random choices of one path (first those of a tape, then always yes), and the state that rules give the packet. */
class TracePath {
  mark = 0
  probability = 1
  recentList: string | undefined
  comment: string | undefined
  readonly #choices: boolean[]
  #nextIndex = 0

  constructor(tape: readonly boolean[]) {
    this.#choices = [...tape]
  }

  /** @param probability of a yes */
  decide(probability: number): boolean {
    if (this.#nextIndex === this.#choices.length) this.#choices.push(true)
    const decision = this.#choices[this.#nextIndex++]!
    this.probability *= decision ? probability : 1 - probability
    return decision
  }

  /** The tape of the next path; undefined after the last one. */
  nextChoices(): boolean[] | undefined {
    const last = this.#choices.lastIndexOf(true)
    return last < 0 ? undefined : [...this.#choices.slice(0, last), false]
  }
}

type InFlightPacket = Packet & Pick<RulePacket, 'isTranslated'>

function traceOnce(rules: MemoryTables, packet: Packet, way: TracePath): Trace {
  const translated = traverse(rules, 'nat', packet.hook, { ...packet, isTranslated: false }, way, 0) ?? 'untouched'
  const underWay = applyNat(packet, translated)
  const isLocal = isNodeAddress(packet, underWay.destination)
  const chains =
    packet.hook === 'PREROUTING' ? [isLocal ? 'INPUT' : 'FORWARD'] : ['OUTPUT', ...(isLocal ? ['INPUT'] : [])]
  let verdict = translated
  for (const chain of chains) {
    const filtered = traverse(rules, 'filter', chain, underWay, way, 0)
    if (filtered !== 'dropped' && filtered !== 'refused') continue
    verdict = filtered
    break
  }
  const { probability, comment, recentList } = way
  if (verdict !== translated) {
    return { verdict, probability, isMasqueraded: false, recentList: undefined, comment: undefined }
  }
  const isSentOn = packet.hook === 'OUTPUT' || !isLocal
  const masqueraded = isSentOn && traverse(rules, 'nat', 'POSTROUTING', underWay, way, 0) === 'masqueraded'
  return { verdict, probability, isMasqueraded: masqueraded, recentList, comment }
}

/** The packet after a verdict: with the translated destination, or unchanged. */
export function applyNat(packet: Packet, verdict: Verdict): InFlightPacket {
  if (verdict === 'untouched') return { ...packet, isTranslated: false }
  const [, address, port] = /^(?:\[?(.*?)\]?:|port )(\d+)(?: here)?$/.exec(verdict)!
  const isSix = packet.destination.includes(':')
  // REDIRECT sends packets of the node itself to loopback, and others to the address of their input interface.
  const arrivedAt =
    packet.localAddresses?.find(ip => ip.includes(':') === isSix && !isLoopback(ip)) ?? packet.destination
  const here = packet.hook === 'PREROUTING' ? arrivedAt : isSix ? '::1' : '127.0.0.1'
  return { ...packet, destination: address ?? here, port: Number(port), isTranslated: true }
}

function traverse(
  rules: MemoryTables,
  table: string,
  chain: string,
  packet: InFlightPacket,
  way: TracePath,
  depth: number,
): Verdict | undefined {
  if (depth > MAX_JUMP_DEPTH) throw new Error(`jumps go round: ${chain}`)
  const ofChain = rules.chain(table, chain)
  if (ofChain === undefined) throw new Error(`no chain: ${chain}`)
  for (const words of ofChain) {
    const { matches, probability, target, options, recentList } = parseKernelRule(words)
    if (!matches({ ...packet, mark: way.mark })) continue
    if (probability !== undefined && !way.decide(probability)) continue
    way.recentList = recentList ?? way.recentList
    switch (target) {
      case 'DNAT':
        way.comment = options.get('--comment')
        return options.get('--to-destination')!
      case 'REDIRECT':
        return `port ${options.get('--to-ports')!} here`
      case 'MASQUERADE':
        return 'masqueraded'
      case 'MARK': {
        const [value, mask] = options.get('--set-xmark')!.split('/').map(Number)
        way.mark = ((way.mark & ~mask!) ^ value!) >>> 0
        break
      }
      case 'ACCEPT':
        return 'untouched'
      case 'RETURN':
        return undefined
      case 'DROP':
        return 'dropped'
      case 'REJECT':
        return 'refused'
      case 'MASQUERADE':
        return 'masqueraded'
      default: {
        const verdict = traverse(rules, table, target, packet, way, depth + 1)
        if (verdict !== undefined) return verdict
      }
    }
  }
  return undefined
}
