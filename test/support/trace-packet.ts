import { isLoopback } from '../../lib/dataplane/client-filter.js'
import { type AskedPacket, isOfNode, kernelRule } from './kernel-rule.js'
import { type KernelRules } from './kernel-rules.js'

/** A packet that sets out; where it comes from matters only for rules that ask. */
export interface Packet extends Omit<AskedPacket, 'isTranslated' | 'mark'> {
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
  readonly masqueraded: boolean
  /** The list of `-m recent` that its sender is in from now on, if it is written into one. */
  readonly rememberedIn: string | undefined
  /** Of the rule that translated it, if one did. */
  readonly comment: string | undefined
}

const DEEPEST_JUMP = 16

/** Walks the first packet of a connection through nat and then, translated or not, through filter; says what becomes of it. */
export function tracePacket(rules: KernelRules, packet: Packet): Verdict {
  const [trace, ...others] = tracesOf(rules, packet)
  if (others.length > 0) throw new Error(`it depends on chance: ${others.length + 1} ways`)
  return trace!.verdict
}

/** Every way that the first packet of a client may take where chance decides: once for each outcome of each decision. */
export function tracesOf(rules: KernelRules, packet: Packet): Trace[] {
  const traces: Trace[] = []
  let tape: boolean[] | undefined = []
  while (tape !== undefined) {
    const way: Way = new Way(tape)
    traces.push(trace(rules, packet, way))
    tape = way.next()
  }
  return traces
}

/**
 * What one chain of the kernel's own does with the first packet of a connection, where chance has no say; undefined: nothing.
 * @param way what the packet takes along from chain to chain
 */
export function walkChain(
  rules: KernelRules,
  table: string,
  chain: string,
  packet: Packet,
  way: Pick<Way, 'mark'>,
): Verdict | undefined {
  const own = new Way([])
  own.mark = way.mark
  const verdict = walk(rules, table, chain, { ...packet, isTranslated: false }, own, 0)
  if (own.next() !== undefined) throw new Error(`it depends on chance: ${chain}`)
  way.mark = own.mark
  return verdict
}

/** Decisions of chance, first those of a tape, then always yes; and what a packet takes along by rules it meets. */
class Way {
  mark = 0
  probability = 1
  rememberedIn: string | undefined
  comment: string | undefined
  readonly #tape: boolean[]
  #at = 0

  constructor(tape: readonly boolean[]) {
    this.#tape = [...tape]
  }

  /** @param probability how likely a yes is */
  decide(probability: number): boolean {
    if (this.#at === this.#tape.length) this.#tape.push(true)
    const decision = this.#tape[this.#at++]!
    this.probability *= decision ? probability : 1 - probability
    return decision
  }

  /** The tape of a way that nobody went yet; undefined after the last. */
  next(): boolean[] | undefined {
    const last = this.#tape.lastIndexOf(true)
    return last < 0 ? undefined : [...this.#tape.slice(0, last), false]
  }
}

type PacketUnderWay = Packet & Pick<AskedPacket, 'isTranslated'>

function trace(rules: KernelRules, packet: Packet, way: Way): Trace {
  const translated = walk(rules, 'nat', packet.hook, { ...packet, isTranslated: false }, way, 0) ?? 'untouched'
  const underWay = afterNat(packet, translated)
  const isLocal = isOfNode(packet, underWay.destination)
  const chains =
    packet.hook === 'PREROUTING' ? [isLocal ? 'INPUT' : 'FORWARD'] : ['OUTPUT', ...(isLocal ? ['INPUT'] : [])]
  let verdict = translated
  for (const chain of chains) {
    const filtered = walk(rules, 'filter', chain, underWay, way, 0)
    if (filtered !== 'dropped' && filtered !== 'refused') continue
    verdict = filtered
    break
  }
  const { probability, comment, rememberedIn } = way
  if (verdict !== translated) {
    return { verdict, probability, masqueraded: false, rememberedIn: undefined, comment: undefined }
  }
  const isSentOn = packet.hook === 'OUTPUT' || !isLocal
  const masqueraded = isSentOn && walk(rules, 'nat', 'POSTROUTING', underWay, way, 0) === 'masqueraded'
  return { verdict, probability, masqueraded, rememberedIn, comment }
}

/** The packet as it goes on: to where a verdict translated it, or as it was. */
export function afterNat(packet: Packet, verdict: Verdict): PacketUnderWay {
  if (verdict === 'untouched') return { ...packet, isTranslated: false }
  const [, address, port] = /^(?:\[?(.*?)\]?:|port )(\d+)(?: here)?$/.exec(verdict)!
  const isSix = packet.destination.includes(':')
  // REDIRECT turns a packet of the node itself to loopback, and all others to the interface that they came in by.
  const arrivedAt = packet.local?.find(ip => ip.includes(':') === isSix && !isLoopback(ip)) ?? packet.destination
  const here = packet.hook === 'PREROUTING' ? arrivedAt : isSix ? '::1' : '127.0.0.1'
  return { ...packet, destination: address ?? here, port: Number(port), isTranslated: true }
}

function walk(
  rules: KernelRules,
  table: string,
  chain: string,
  packet: PacketUnderWay,
  way: Way,
  depth: number,
): Verdict | undefined {
  if (depth > DEEPEST_JUMP) throw new Error(`jumps go round: ${chain}`)
  const ofChain = rules.chain(table, chain)
  if (ofChain === undefined) throw new Error(`no chain: ${chain}`)
  for (const words of ofChain) {
    const { matches, probability, target, options, remembersIn } = kernelRule(words)
    if (!matches({ ...packet, mark: way.mark })) continue
    if (probability !== undefined && !way.decide(probability)) continue
    way.rememberedIn = remembersIn ?? way.rememberedIn
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
        const verdict = walk(rules, table, target, packet, way, depth + 1)
        if (verdict !== undefined) return verdict
      }
    }
  }
  return undefined
}
