import { isLoopback } from '../../lib/dataplane/client-filter.js'
import { cidrContains, parseCidr } from '../../lib/model/cidr.js'
import { type KernelRules } from './kernel-rules.js'

export interface Packet {
  /** Where it enters: from a Pod or another host, or from a process on the node. */
  readonly hook: 'PREROUTING' | 'OUTPUT'
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  readonly destination: string
  readonly port: number
  /** Where it comes from; matters only for rules that ask. */
  readonly source?: string
  readonly inInterface?: string
  /** The node's own addresses. */
  readonly local?: readonly string[]
}

/** A packet on its way through the kernel. */
interface PacketUnderWay extends Packet {
  readonly isTranslated: boolean
}

/**
 * `10.0.0.1:80` after a DNAT, `port 80 here` after a REDIRECT, `dropped` or `refused` by the filter, `untouched` when no rule
 * of ours had anything to say.
 */
export type Verdict = string

/** A packet's way when chance decided for it: where it went, and what it took along. */
export interface Trace {
  readonly verdict: Verdict
  /** The bits of its mark. */
  readonly mark: number
  /** Of the rule that translated it, if one did. */
  readonly comment: string | undefined
}

const DEEPEST_JUMP = 16
const MATCHES = new Set([
  ...['comment', 'tcp', 'udp', 'sctp', 'addrtype', 'conntrack', 'multiport', 'mark', 'statistic', 'recent'],
])

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

/** Decisions of chance, first those of a tape, then always yes; and what a packet takes along by rules it meets. */
class Way {
  mark = 0
  comment: string | undefined
  readonly #tape: boolean[]
  #at = 0

  constructor(tape: readonly boolean[]) {
    this.#tape = [...tape]
  }

  decide(): boolean {
    if (this.#at === this.#tape.length) this.#tape.push(true)
    return this.#tape[this.#at++]!
  }

  /** The tape of a way that nobody went yet; undefined after the last. */
  next(): boolean[] | undefined {
    const last = this.#tape.lastIndexOf(true)
    return last < 0 ? undefined : [...this.#tape.slice(0, last), false]
  }
}

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
  const comment = verdict === translated ? way.comment : undefined
  return { verdict, mark: way.mark, comment }
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
    const { matches, byChance, target, options } = readRule(words, packet, way)
    if (!matches || (byChance && !way.decide())) continue
    switch (target) {
      case 'DNAT':
        way.comment = options.get('--comment')
        return options.get('--to-destination')!
      case 'REDIRECT':
        return `port ${options.get('--to-ports')!} here`
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
      default: {
        const verdict = walk(rules, table, target, packet, way, depth + 1)
        if (verdict !== undefined) return verdict
      }
    }
  }
  return undefined
}

/** Reads a rule against a packet. A word that is not known is an error: it could be a match. */
function readRule(words: readonly string[], packet: PacketUnderWay, way: Way) {
  let matches = true
  let byChance = false
  let target = ''
  let denied = false
  const options = new Map<string, string>()
  const match = (isSo: boolean): void => {
    matches &&= isSo !== denied
    denied = false
  }
  const rest = [...words]
  for (let option = rest.shift(); option !== undefined; option = rest.shift()) {
    if (option === '!') {
      denied = true
      continue
    }
    if (ALONE.has(option)) {
      // Nobody has been here before: no list knows the client.
      if (option === '--rcheck') match(false)
      continue
    }
    const value = rest.shift()
    if (value === undefined) throw new Error(`"${option}" is without value: ${words.join(' ')}`)
    switch (option) {
      case '-d':
        match(cidrContains(parseCidr(value)!, packet.destination))
        break
      case '-s':
        match(packet.source !== undefined && cidrContains(parseCidr(value)!, packet.source))
        break
      case '-i':
        match(
          value.endsWith('+')
            ? packet.inInterface?.startsWith(value.slice(0, -1)) === true
            : packet.inInterface === value,
        )
        break
      case '--src-type':
      case '--dst-type': {
        if (value !== 'LOCAL') throw new Error(`not understood: ${words.join(' ')}`)
        const address = option === '--src-type' ? packet.source : packet.destination
        match(address !== undefined && isOfNode(packet, address))
        break
      }
      case '--ctstate':
        match(value.split(',').some(state => state === 'NEW' || (state === 'DNAT' && packet.isTranslated)))
        break
      case '--mark': {
        const [bits, mask] = value.split('/').map(Number)
        match((way.mark & mask!) >>> 0 === bits)
        break
      }
      case '--dports':
        match(value.split(',').map(Number).includes(packet.port))
        break
      case '-p':
        match(value === packet.protocol)
        break
      case '--dport':
        match(isInRange(packet.port, value))
        break
      case '-j':
        target = value
        break
      case '-m':
        if (!MATCHES.has(value)) throw new Error(`match not understood: ${words.join(' ')}`)
        break
      case '--mode':
        byChance = true
        break
      case '--comment':
      case '--to-destination':
      case '--to-ports':
      case '--reject-with':
      case '--set-xmark':
      case '--probability':
      case '--seconds':
      case '--name':
      case '--mask':
        options.set(option, value)
        break
      default:
        throw new Error(`"${option}" not understood: ${words.join(' ')}`)
    }
  }
  if (target === '') throw new Error(`rule without target: ${words.join(' ')}`)
  return { matches, byChance, target, options }
}

/** Options without a value. */
const ALONE = new Set(['--set', '--rcheck', '--reap', '--rsource', '--random-fully'])

/** To the kernel all of 127.0.0.0/8 is local. */
function isOfNode({ local = [] }: Packet, address: string): boolean {
  return local.includes(address) || isLoopback(address)
}

/** Whether a port is the one that is meant, or in the range `first:last`. */
function isInRange(port: number, text: string): boolean {
  const [first, last = first] = text.split(':').map(Number)
  return port >= first! && port <= last!
}
