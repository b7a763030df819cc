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

const DEEPEST_JUMP = 16
const MATCHES = new Set(['comment', 'tcp', 'udp', 'addrtype', 'conntrack', 'multiport'])

/** Walks the first packet of a connection through nat and then, translated or not, through filter; says what becomes of it. */
export function tracePacket(rules: KernelRules, packet: Packet): Verdict {
  const translated = walk(rules, 'nat', packet.hook, { ...packet, isTranslated: false }, 0) ?? 'untouched'
  const underWay = afterNat(packet, translated)
  const isLocal = packet.local?.includes(underWay.destination) === true
  const chains =
    packet.hook === 'PREROUTING' ? [isLocal ? 'INPUT' : 'FORWARD'] : ['OUTPUT', ...(isLocal ? ['INPUT'] : [])]
  for (const chain of chains) {
    const verdict = walk(rules, 'filter', chain, underWay, 0)
    if (verdict === 'dropped' || verdict === 'refused') return verdict
  }
  return translated
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
  depth: number,
): Verdict | undefined {
  if (depth > DEEPEST_JUMP) throw new Error(`jumps go round: ${chain}`)
  const ofChain = rules.chain(table, chain)
  if (ofChain === undefined) throw new Error(`no chain: ${chain}`)
  for (const words of ofChain) {
    const { matches, target, options } = readRule(words, packet)
    if (!matches) continue
    switch (target) {
      case 'DNAT':
        return options.get('--to-destination')!
      case 'REDIRECT':
        return `port ${options.get('--to-ports')!} here`
      case 'ACCEPT':
        return 'untouched'
      case 'RETURN':
        return undefined
      case 'DROP':
        return 'dropped'
      case 'REJECT':
        return 'refused'
      default: {
        const verdict = walk(rules, table, target, packet, depth + 1)
        if (verdict !== undefined) return verdict
      }
    }
  }
  return undefined
}

/** Reads a rule against a packet. A word that is not known is an error: it could be a match. */
function readRule(words: readonly string[], packet: PacketUnderWay) {
  let matches = true
  let target = ''
  const options = new Map<string, string>()
  for (let index = 0; index < words.length; index += 2) {
    const [option, value] = [words[index]!, words[index + 1]]
    if (value === undefined) throw new Error(`"${option}" is without value: ${words.join(' ')}`)
    switch (option) {
      case '-d':
        matches &&= cidrContains(parseCidr(value)!, packet.destination)
        break
      case '-s':
        matches &&= packet.source !== undefined && cidrContains(parseCidr(value)!, packet.source)
        break
      case '-i':
        matches &&= value.endsWith('+')
          ? packet.inInterface?.startsWith(value.slice(0, -1)) === true
          : packet.inInterface === value
        break
      case '--dst-type':
        if (value !== 'LOCAL') throw new Error(`not understood: ${words.join(' ')}`)
        matches &&= packet.local?.includes(packet.destination) === true
        break
      case '--ctstate':
        if (value !== 'NEW' && value !== 'DNAT') throw new Error(`not understood: ${words.join(' ')}`)
        matches &&= value === 'NEW' || packet.isTranslated
        break
      case '--dports':
        matches &&= value.split(',').map(Number).includes(packet.port)
        break
      case '-p':
        matches &&= value === packet.protocol
        break
      case '--dport':
        matches &&= isInRange(packet.port, value)
        break
      case '-j':
        target = value
        break
      case '-m':
        if (!MATCHES.has(value) && value !== packet.protocol)
          throw new Error(`match not understood: ${words.join(' ')}`)
        break
      case '--comment':
        break
      case '--to-destination':
      case '--to-ports':
      case '--reject-with':
        options.set(option, value)
        break
      default:
        throw new Error(`"${option}" not understood: ${words.join(' ')}`)
    }
  }
  if (target === '') throw new Error(`rule without target: ${words.join(' ')}`)
  return { matches, target, options }
}

/** Whether a port is the one that is meant, or in the range `first:last`. */
function isInRange(port: number, text: string): boolean {
  const [first, last = first] = text.split(':').map(Number)
  return port >= first! && port <= last!
}
