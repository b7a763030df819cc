import { isLoopback } from '../../../lib/dataplane/limits/client-filter.js'
import { cidrContains, parseCidr } from '../../../lib/model/cidr.js'
import { matchesSet } from './matches-set.js'
import { type MemoryIpSets } from './memory-ip-sets.js'

/** The properties of the first packet of a connection that rules match. */
export interface RulePacket {
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  readonly destination: string
  readonly port: number
  readonly source?: string
  /** Omitted: a port that no rule names. */
  readonly sourcePort?: number
  readonly inInterface?: string
  /** It arrived at a port of a bridge, and iptables sees bridged packets (`bridge-nf-call-iptables`). */
  readonly viaBridgePort?: boolean
  /** The addresses of the node. */
  readonly localAddresses?: readonly string[]
  /** The list of `-m recent` that contains its sender, and the seconds since the last packet. */
  readonly recent?: { readonly list: string; readonly secondsAgo: number }
  /** The kernel's sets; without it there are none. */
  readonly sets?: Pick<MemoryIpSets, 'get'>
  readonly isTranslated: boolean
  /** The bits of its mark. */
  readonly mark: number
}

/** A rule of the kernel in a form that can be applied to packets. */
export interface KernelRule {
  readonly matches: (packet: RulePacket) => boolean
  /** The probability with which it applies to a packet that matches; undefined: always. */
  readonly probability: number | undefined
  readonly target: string
  /** The options with their values. */
  readonly options: ReadonlyMap<string, string>
  /** The list of `-m recent` to which it adds the sender. */
  readonly recentList: string | undefined
}

const KNOWN_MATCHES = new Set([
  ...[
    'comment',
    'tcp',
    'udp',
    'sctp',
    'addrtype',
    'conntrack',
    'multiport',
    'mark',
    'statistic',
    'recent',
    'physdev',
    'set',
  ],
])

/** Options without a value. */
const FLAG_OPTIONS = new Set(['--set', '--rcheck', '--reap', '--rsource', '--random-fully', '--physdev-is-in'])

/** Options that describe what a rule does, or a detail of a match. */
const NON_MATCH_OPTIONS = new Set([
  ...['--comment', '--to-destination', '--to-ports', '--reject-with', '--set-xmark'],
  ...['--mode', '--probability', '--seconds', '--name', '--mask'],
])

/** Rules are parsed once for all packets: while a rule exists, its words are the same array. */
const parsedRules = new WeakMap<readonly string[], KernelRule>()

/** Parses a rule. @throws Error at an unknown word: it could be a match */
export function parseKernelRule(words: readonly string[]): KernelRule {
  const rule = parsedRules.get(words) ?? parseRule(words)
  parsedRules.set(words, rule)
  return rule
}

function parseRule(words: readonly string[]): KernelRule {
  const conditions: ((packet: RulePacket) => boolean)[] = []
  const options = new Map<string, string>()
  const flags = new Set<string>()
  const notUnderstood = (): Error => new Error(`not understood: ${words.join(' ')}`)
  const rest = [...words]
  for (let option = rest.shift(); option !== undefined; option = rest.shift()) {
    const isNegated = option === '!'
    if (isNegated) option = rest.shift() ?? ''
    if (option === '--physdev-is-in') {
      conditions.push(({ viaBridgePort = false }) => viaBridgePort !== isNegated)
      continue
    }
    if (option === '--tcp-flags') {
      // A packet here opens a connection, so it has neither of these flags.
      if (isNegated || rest.shift() !== 'FIN,RST' || rest.shift() !== 'NONE') throw notUnderstood()
      continue
    }
    if (FLAG_OPTIONS.has(option)) {
      if (isNegated) throw notUnderstood()
      flags.add(option)
      continue
    }
    const value = rest.shift()
    if (value === undefined) throw new Error(`"${option}" is without value: ${words.join(' ')}`)
    const question = option === '--match-set' ? parseSetMatch(value, rest.shift() ?? '') : parseMatch(option, value)
    if (question !== undefined) {
      conditions.push(packet => question(packet) !== isNegated)
      continue
    }
    if (isNegated || (option === '-m' ? !KNOWN_MATCHES.has(value) : option !== '-j' && !NON_MATCH_OPTIONS.has(option)))
      throw notUnderstood()
    options.set(option, value)
  }
  const target = options.get('-j')
  if (target === undefined) throw new Error(`rule without target: ${words.join(' ')}`)
  const byChance = options.get('--mode') === 'random'
  if (options.has('--mode') && !byChance) throw notUnderstood()
  const [list, seconds] = [options.get('--name'), Number(options.get('--seconds') ?? Infinity)]
  if (flags.has('--rcheck')) conditions.push(({ recent }) => recent?.list === list && recent!.secondsAgo <= seconds)
  return {
    matches: packet => conditions.every(question => question(packet)),
    probability: byChance ? Number(options.get('--probability')) : undefined,
    target,
    options,
    recentList: flags.has('--set') ? list : undefined,
  }
}

function parseSetMatch(name: string, by: string): (packet: RulePacket) => boolean {
  return packet => matchesSet(packet.sets ?? NO_SETS, name, by, packet)
}

const NO_SETS = new Map<string, undefined>()

/** The match of an option; undefined if it matches nothing. @throws Error if the match is unknown */
function parseMatch(option: string, value: string): ((packet: RulePacket) => boolean) | undefined {
  switch (option) {
    case '-d': {
      const cidr = parseCidr(value)!
      return ({ destination }) => cidrContains(cidr, destination)
    }
    case '-s': {
      const cidr = parseCidr(value)!
      return ({ source }) => source !== undefined && cidrContains(cidr, source)
    }
    case '-i':
      return ({ inInterface }) =>
        value.endsWith('+') ? inInterface?.startsWith(value.slice(0, -1)) === true : inInterface === value
    case '--src-type':
    case '--dst-type':
      if (value !== 'LOCAL') throw new Error(`not understood: ${option} ${value}`)
      return packet => {
        const address = option === '--src-type' ? packet.source : packet.destination
        return address !== undefined && isNodeAddress(packet, address)
      }
    case '--ctstate':
      return ({ isTranslated }) => value.split(',').some(state => state === 'NEW' || (state === 'DNAT' && isTranslated))
    case '--mark': {
      const [bits, mask = 0xffff_ffff] = value.split('/').map(Number)
      return ({ mark }) => (mark & mask) >>> 0 === bits
    }
    case '--dports': {
      const ports = value.split(',').map(Number)
      return ({ port }) => ports.includes(port)
    }
    case '--sports': {
      const ports = value.split(',').map(Number)
      return ({ sourcePort = 0 }) => ports.includes(sourcePort)
    }
    case '-p':
      return ({ protocol }) => protocol === value
    case '--sport': {
      const [first, last = first] = value.split(':').map(Number)
      return ({ sourcePort = 0 }) => sourcePort >= first! && sourcePort <= last!
    }
    case '--dport': {
      const [first, last = first] = value.split(':').map(Number)
      return ({ port }) => port >= first! && port <= last!
    }
    default:
      return undefined
  }
}

/** For the kernel all of 127.0.0.0/8 is local. */
export function isNodeAddress({ localAddresses = [] }: Pick<RulePacket, 'localAddresses'>, address: string): boolean {
  return localAddresses.includes(address) || isLoopback(address)
}
