import { isLoopback } from '../../lib/dataplane/client-filter.js'
import { cidrContains, parseCidr } from '../../lib/model/cidr.js'
import { isInSet } from './ip-set-match.js'
import { type MemoryIpSets } from './memory-ip-sets.js'

/** What rules ask of a packet, the first of its connection. */
export interface AskedPacket {
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  readonly destination: string
  readonly port: number
  readonly source?: string
  readonly inInterface?: string
  /** It came in by a port of a bridge, and the kernel shows iptables what bridges carry (`bridge-nf-call-iptables`). */
  readonly byBridgePort?: boolean
  /** The node's own addresses. */
  readonly local?: readonly string[]
  /** The list of `-m recent` that its sender is in, and for how long it has been there unseen. */
  readonly remembered?: { readonly list: string; readonly secondsAgo: number }
  /** The kernel's sets; left out: there are none. */
  readonly sets?: Pick<MemoryIpSets, 'get'>
  readonly isTranslated: boolean
  /** The bits of its mark. */
  readonly mark: number
}

/** A rule of the kernel as it acts on packets. */
export interface KernelRule {
  readonly matches: (packet: AskedPacket) => boolean
  /** The chance by which it takes a packet that matches; undefined: it takes all. */
  readonly probability: number | undefined
  readonly target: string
  /** Its options with their values. */
  readonly options: ReadonlyMap<string, string>
  /** The list of `-m recent` that the sender of what it takes is written into. */
  readonly remembersIn: string | undefined
}

const MATCHES = new Set([
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
const ALONE = new Set(['--set', '--rcheck', '--reap', '--rsource', '--random-fully', '--physdev-is-in'])

/** Options that say what a rule does, or more about a match. */
const SAYING = new Set([
  ...['--comment', '--to-destination', '--to-ports', '--reject-with', '--set-xmark'],
  ...['--mode', '--probability', '--seconds', '--name', '--mask'],
])

/** Rules are read once for all packets: the words of a rule are the same array while it stands. */
const known = new WeakMap<readonly string[], KernelRule>()

/** Reads a rule. @throws Error at a word that is not known: it could be a match */
export function kernelRule(words: readonly string[]): KernelRule {
  const rule = known.get(words) ?? read(words)
  known.set(words, rule)
  return rule
}

function read(words: readonly string[]): KernelRule {
  const asked: ((packet: AskedPacket) => boolean)[] = []
  const options = new Map<string, string>()
  const alone = new Set<string>()
  const notUnderstood = (): Error => new Error(`not understood: ${words.join(' ')}`)
  const rest = [...words]
  for (let option = rest.shift(); option !== undefined; option = rest.shift()) {
    const denied = option === '!'
    if (denied) option = rest.shift() ?? ''
    if (option === '--physdev-is-in') {
      asked.push(({ byBridgePort = false }) => byBridgePort !== denied)
      continue
    }
    if (ALONE.has(option)) {
      if (denied) throw notUnderstood()
      alone.add(option)
      continue
    }
    const value = rest.shift()
    if (value === undefined) throw new Error(`"${option}" is without value: ${words.join(' ')}`)
    const question = option === '--match-set' ? setQuestion(value, rest.shift() ?? '') : questionOf(option, value)
    if (question !== undefined) {
      asked.push(packet => question(packet) !== denied)
      continue
    }
    if (denied || (option === '-m' ? !MATCHES.has(value) : option !== '-j' && !SAYING.has(option)))
      throw notUnderstood()
    options.set(option, value)
  }
  const target = options.get('-j')
  if (target === undefined) throw new Error(`rule without target: ${words.join(' ')}`)
  const byChance = options.get('--mode') === 'random'
  if (options.has('--mode') && !byChance) throw notUnderstood()
  const [list, seconds] = [options.get('--name'), Number(options.get('--seconds') ?? Infinity)]
  if (alone.has('--rcheck'))
    asked.push(({ remembered }) => remembered?.list === list && remembered!.secondsAgo <= seconds)
  return {
    matches: packet => asked.every(question => question(packet)),
    probability: byChance ? Number(options.get('--probability')) : undefined,
    target,
    options,
    remembersIn: alone.has('--set') ? list : undefined,
  }
}

function setQuestion(name: string, by: string): (packet: AskedPacket) => boolean {
  return packet => isInSet(packet.sets ?? NO_SETS, name, by, packet)
}

const NO_SETS = new Map<string, undefined>()

/** What an option asks; undefined when it asks nothing. @throws Error when it asks for what is not known */
function questionOf(option: string, value: string): ((packet: AskedPacket) => boolean) | undefined {
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
        return address !== undefined && isOfNode(packet, address)
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
    case '-p':
      return ({ protocol }) => protocol === value
    case '--dport': {
      const [first, last = first] = value.split(':').map(Number)
      return ({ port }) => port >= first! && port <= last!
    }
    default:
      return undefined
  }
}

/** To the kernel all of 127.0.0.0/8 is local. */
export function isOfNode({ local = [] }: Pick<AskedPacket, 'local'>, address: string): boolean {
  return local.includes(address) || isLoopback(address)
}
