import { isLoopback } from '../../../lib/dataplane/limits/client-filter.js'
import { type RulePacket, isNodeAddress, parseKernelRule } from './kernel-rule.js'
import { type MemoryTables } from './memory-tables.js'

/** A packet that sets out; where it comes from matters only for rules that ask. */
export interface Packet extends Omit<RulePacket, 'isTranslated' | 'mark'> {
  /** Where it enters: from a Pod or another host, or from a process on the node. */
  readonly hook: 'PREROUTING' | 'OUTPUT'
}

/**
 * `10.0.0.1:80` after a DNAT, `port 80 here` after a REDIRECT, `dropped` or `refused` by the filter, `untouched` when no rule
 * of ours had anything to say.
 */
export type Verdict = string

/** A packet's way when chance decided for it: where it went, and what it took along. */
export interface Trace {
  readonly verdict: Verdict
  /** How likely chance is to decide so. */
  readonly probability: number
  /** It goes on with an address of the node as its source. */
  readonly isMasqueraded: boolean
  /** The list of `-m recent` that its sender is in from now on, if it is written into one. */
  readonly recentList: string | undefined
  /** Of the rule that translated it, if one did. */
  readonly comment: string | undefined
}

const MAX_JUMP_DEPTH = 16

/** Walks the first packet of a connection through nat and then, translated or not, through filter; says what becomes of it. */
export function tracePacket(rules: MemoryTables, packet: Packet): Verdict {
  const [trace, ...others] = traceAll(rules, packet)
  if (others.length > 0) throw new Error(`it depends on chance: ${others.length + 1} ways`)
  return trace!.verdict
}

/** Every way that the first packet of a client may take where chance decides: once for each outcome of each decision. */
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
 * What one chain of the kernel's own does with the first packet of a connection, where chance has no say; undefined: nothing.
 * @param way what the packet takes along from chain to chain
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
  if (own.nextChoices() !== undefined) throw new Error(`it depends on chance: ${chain}`)
  way.mark = own.mark
  return verdict
}

/** Decisions of chance, first those of a tape, then always yes; and what a packet takes along by rules it meets. */
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

  /** @param probability how likely a yes is */
  decide(probability: number): boolean {
    if (this.#nextIndex === this.#choices.length) this.#choices.push(true)
    const decision = this.#choices[this.#nextIndex++]!
    this.probability *= decision ? probability : 1 - probability
    return decision
  }

  /** The tape of a way that nobody went yet; undefined after the last. */
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

/** The packet as it goes on: to where a verdict translated it, or as it was. */
export function applyNat(packet: Packet, verdict: Verdict): InFlightPacket {
  if (verdict === 'untouched') return { ...packet, isTranslated: false }
  const [, address, port] = /^(?:\[?(.*?)\]?:|port )(\d+)(?: here)?$/.exec(verdict)!
  const isSix = packet.destination.includes(':')
  // REDIRECT turns a packet of the node itself to loopback, and all others to the interface that they came in by.
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
