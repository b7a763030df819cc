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

/** `10.0.0.1:80` after a DNAT, `port 80 here` after a REDIRECT, `dropped` by the filter, `untouched` when no rule matched. */
export type Verdict = string

const DEEPEST_JUMP = 16
const MATCHES = new Set(['comment', 'tcp', 'udp', 'addrtype', 'conntrack', 'multiport'])

/** Walks one packet through nat, and if it is not translated through filter, and says what becomes of it. */
export function tracePacket(rules: KernelRules, packet: Packet): Verdict {
  const translated = walk(rules, 'nat', packet.hook, packet, 0)
  if (translated !== undefined) return translated
  const passing = packet.hook === 'OUTPUT' ? 'OUTPUT' : 'FORWARD'
  const chain = packet.local?.includes(packet.destination) === true ? 'INPUT' : passing
  return walk(rules, 'filter', chain, packet, 0) ?? 'untouched'
}

function walk(rules: KernelRules, table: string, chain: string, packet: Packet, depth: number): Verdict | undefined {
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
      default: {
        const verdict = walk(rules, table, target, packet, depth + 1)
        if (verdict !== undefined) return verdict
      }
    }
  }
  return undefined
}

/** Reads a rule against a packet. A word that is not known is an error: it could be a match. */
function readRule(words: readonly string[], packet: Packet) {
  let matches = true
  let target = ''
  const options = new Map<string, string>()
  for (let index = 0; index < words.length; index += 2) {
    const [option, value] = [words[index]!, words[index + 1]]
    if (value === undefined) throw new Error(`"${option}" is without value: ${words.join(' ')}`)
    switch (option) {
      case '-d': {
        const [address, bits] = value.split('/')
        if (bits !== '32' && bits !== '128') throw new Error(`not one address: ${value}`)
        matches &&= address === packet.destination
        break
      }
      case '-s':
        matches &&= packet.source !== undefined && cidrContains(parseCidr(value)!, packet.source)
        break
      case '-i':
        matches &&= value.endsWith('+')
          ? packet.inInterface?.startsWith(value.slice(0, -1)) === true
          : packet.inInterface === value
        break
      case '--dst-type':
        matches &&= packet.local?.includes(packet.destination) === true
        break
      case '--ctstate':
        // The first packet of a connection, as far as it got untranslated.
        matches &&= value === 'NEW'
        break
      case '--dports':
        matches &&= value.split(',').map(Number).includes(packet.port)
        break
      case '-p':
        matches &&= value === packet.protocol
        break
      case '--dport':
        matches &&= Number(value) === packet.port
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
