import { type IpAddress, type IpFamily, familyOf } from '../../model/address.js'
import { type NodeFacts, type PacketView } from './packet-view.js'
import { type RuleAction } from './rule-condition.js'

const LOOPBACK_ADDRESS: Readonly<Record<IpFamily, IpAddress>> = { IPv4: '127.0.0.1', IPv6: '::1' }

/** The packet after an action. An action that changes nothing returns the same object. */
export function applyAction(action: RuleAction, packet: PacketView, facts: NodeFacts): PacketView {
  switch (action.kind) {
    case 'translate destination':
      return withDestination(packet, action.address ?? packet.destination, action.port ?? packet.port)
    case 'redirect':
      return withDestination(packet, redirectAddress(packet, facts), action.port ?? packet.port)
    case 'translate source':
      return withSource(packet, action.address ?? facts.addressOf(packet.outInterface, familyOf(packet.destination)))
    case 'mark':
      return { ...packet, mark: changeBits(packet.mark, action.value, action.mask) }
    case 'connection mark':
      return { ...packet, connectionMark: changeBits(packet.connectionMark, action.value, action.mask) }
    case 'save mark': {
      const value = packet.mark & action.markMask
      return { ...packet, connectionMark: changeBits(packet.connectionMark, value, action.connectionMask) }
    }
    case 'restore mark': {
      const value = packet.connectionMark & action.connectionMask
      return { ...packet, mark: changeBits(packet.mark, value, action.markMask) }
    }
    case 'do not track':
      return { ...packet, isTracked: false }
    default:
      return packet
  }
}

/** Whether the action ends the rules of its table for the packet. */
export function endsTable({ kind }: RuleAction): boolean {
  return kind === 'accept' || kind === 'translate destination' || kind === 'redirect' || kind === 'translate source'
}

/** What the node itself sends goes to loopback, everything else to the interface that it came in by. */
function redirectAddress(packet: PacketView, facts: NodeFacts): IpAddress {
  const family = familyOf(packet.destination)
  if (packet.inInterface === '') return LOOPBACK_ADDRESS[family]
  return facts.addressOf(packet.inInterface, family) ?? packet.destination
}

/** A translation to what is there already is none for conntrack. */
function withDestination(packet: PacketView, destination: IpAddress, port: number): PacketView {
  const isChanged = destination !== packet.destination || port !== packet.port
  return isChanged ? { ...packet, destination, port, isDestinationTranslated: true } : packet
}

/** The kernel keeps the source port if it is free, or chooses another one. */
function withSource(packet: PacketView, source: IpAddress | undefined): PacketView {
  return { ...packet, source, sourcePort: undefined, isSourceTranslated: true }
}

function changeBits(before: number, value: number, mask: number): number {
  return ((before & ~mask) ^ value) >>> 0
}
