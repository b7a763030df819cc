import { type IpAddress, ipBytes } from '../../model/address.js'
import { cidrContains } from '../../model/cidr.js'
import { type PortRange } from '../../model/port-range.js'
import { specialAddress } from '../../model/special-address.js'
import { type Answer, answerOf, anyOf, negate } from './answer.js'
import { matchesSet } from './matches-set.js'
import { type NodeFacts, type PacketView } from './packet-view.js'
import { type ConditionQuestion, type RuleCondition } from './rule-condition.js'

/** The ports that the kernel of a client chooses from, unless it is configured otherwise (`ip_local_port_range`). */
const CHOSEN_PORTS: PortRange = { first: 32_768, last: 60_999 }
/** The flags of the segment that opens a connection. */
const OPENING_FLAGS: readonly string[] = ['SYN']

/** Whether the first packet of a connection meets a condition. */
export function decideCondition(condition: RuleCondition, packet: PacketView, facts: NodeFacts): Answer {
  const answer = decide(condition, packet, facts)
  return condition.isNegated ? negate(answer) : answer
}

function decide(question: ConditionQuestion, packet: PacketView, facts: NodeFacts): Answer {
  switch (question.kind) {
    case 'source':
      return answerOf(packet.source === undefined ? undefined : cidrContains(question.range, packet.source))
    case 'destination':
      return answerOf(cidrContains(question.range, packet.destination))
    case 'source range':
      return answerOf(packet.source === undefined ? undefined : isBetween(packet.source, question.first, question.last))
    case 'destination range':
      return answerOf(isBetween(packet.destination, question.first, question.last))
    case 'in interface':
      return answerOf(isInterface(packet.inInterface, question.name))
    case 'out interface':
      return answerOf(isInterface(packet.outInterface, question.name))
    case 'protocol':
      return answerOf(question.protocol === 'all' || question.protocol === packet.protocol.toLowerCase())
    case 'source port':
      return decidePort(packet.sourcePort, question.ranges)
    case 'destination port':
      return decidePort(packet.port, question.ranges)
    case 'either port':
      return anyOf([decidePort(packet.sourcePort, question.ranges), decidePort(packet.port, question.ranges)])
    case 'source type':
      return decideType(packet.source, question.types, facts)
    case 'destination type':
      return decideType(packet.destination, question.types, facts)
    case 'connection':
      return decideState(packet, question.states)
    case 'original destination':
      return answerOf(cidrContains(question.range, packet.originalDestination))
    case 'original port':
      return decidePort(packet.originalPort, question.ranges)
    case 'mark':
      return answerOf((packet.mark & question.mask) >>> 0 === question.value)
    case 'connection mark':
      return answerOf((packet.connectionMark & question.mask) >>> 0 === question.value)
    case 'set': {
      const set = facts.findSet(question.name)
      return set === undefined ? 'unknown' : matchesSet(set, question.fields, packet)
    }
    case 'recent':
      return decideRecent(question, packet, facts)
    case 'TCP flags':
      return answerOf(question.mask.every(flag => OPENING_FLAGS.includes(flag) === question.set.includes(flag)))
    case 'bridge port':
      return answerOf(packet.viaBridgePort)
    case 'fragment':
      return 'no'
    case 'unreadable':
      return 'unknown'
  }
}

/** Whether an interface has the name, or begins with it if the name ends in `+`. Undefined: it is unknown. */
export function isInterface(own: string | undefined, name: string): boolean | undefined {
  if (own === undefined) return undefined
  return name.endsWith('+') ? own !== '' && own.startsWith(name.slice(0, -1)) : own === name
}

function isBetween(address: IpAddress, first: IpAddress, last: IpAddress): boolean | undefined {
  const [own, low, high] = [address, first, last].map(text => ipBytes(text))
  if (own === undefined || low?.length !== own.length || high?.length !== own.length) return undefined
  return compareBytes(low, own) <= 0 && compareBytes(own, high) <= 0
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const index = a.findIndex((byte, at) => byte !== b[at])
  return index < 0 ? 0 : a[index]! - b[index]!
}

function decidePort(port: number | undefined, ranges: readonly PortRange[]): Answer {
  const isIn = (number: number, { first, last }: PortRange): boolean => number >= first && number <= last
  if (port !== undefined) return answerOf(ranges.some(range => isIn(port, range)))
  const { first, last } = CHOSEN_PORTS
  if (ranges.some(range => isIn(first, range) && isIn(last, range))) return 'yes'
  return ranges.some(range => range.first <= last && range.last >= first) ? 'unknown' : 'no'
}

function decideType(address: IpAddress | undefined, types: readonly string[], facts: NodeFacts): Answer {
  // An address of the node that is not known more closely.
  if (address === undefined) return answerOf(types.includes('LOCAL'))
  const kind = facts.isOwnAddress(address) ? 'LOCAL' : specialAddress(address) === 'multicast' ? 'MULTICAST' : 'UNICAST'
  if (types.includes(kind)) return 'yes'
  // The broadcast addresses of networks and other kinds are in the routes of the node.
  return kind === 'UNICAST' && types.some(type => type !== 'LOCAL' && type !== 'MULTICAST') ? 'unknown' : 'no'
}

function decideState(packet: PacketView, states: readonly string[]): Answer {
  if (!packet.isTracked) return answerOf(states.includes('UNTRACKED'))
  return answerOf(
    states.includes('NEW') ||
      (states.includes('DNAT') && packet.isDestinationTranslated) ||
      (states.includes('SNAT') && packet.isSourceTranslated),
  )
}

function decideRecent(
  { action, list, seconds = Infinity }: Extract<ConditionQuestion, { readonly kind: 'recent' }>,
  { source }: PacketView,
  facts: NodeFacts,
): Answer {
  if (action === 'set') return 'yes'
  const ago = source === undefined ? undefined : facts.secondsInList(list, source)
  return answerOf(ago === undefined ? undefined : ago !== 'never' && ago <= seconds)
}
