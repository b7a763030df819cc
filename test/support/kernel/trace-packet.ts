import { isLoopback } from '../../../lib/dataplane/limits/client-filter.js'
import { type IpAddress, familyOf, hostPort } from '../../../lib/model/address.js'
import { type Protocol } from '../../../lib/model/protocol.js'
import {
  type PacketPath,
  type RuleStep,
  sourceTranslationOf,
  translationOf,
} from '../../../lib/netfilter/walk/packet-path.js'
import { type NodeFacts } from '../../../lib/netfilter/walk/packet-view.js'
import { ruleText } from '../../../lib/netfilter/walk/rule-parts.js'
import { walkRules } from '../../../lib/netfilter/walk/walk-rules.js'
import { type MemoryIpSets } from './memory-ip-sets.js'
import { type MemoryTables } from './memory-tables.js'

/** The first packet of a connection where it enters the kernel: from a Pod or another host, or from a process on the node. */
export interface Packet {
  readonly hook: 'PREROUTING' | 'OUTPUT'
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  readonly destination: IpAddress
  readonly port: number
  /** Omitted: an address that no rule names. */
  readonly source?: IpAddress
  /** Omitted: `eth0`. */
  readonly inInterface?: string
  /** It arrived at a port of a bridge, and iptables sees bridged packets (`bridge-nf-call-iptables`). */
  readonly viaBridgePort?: boolean
  /** The addresses of the node. */
  readonly localAddresses?: readonly IpAddress[]
  /** The list of `-m recent` that contains its sender, and the seconds since the last packet. */
  readonly recent?: { readonly list: string; readonly secondsAgo: number }
  /** The kernel's sets; without it there are none. */
  readonly sets?: Pick<MemoryIpSets, 'get'>
}

/**
 * `10.0.0.1:80` after a DNAT, `port 80 here` after a REDIRECT, `dropped` or `refused` by the filter, `untouched` when no rule
 * has changed or stopped it.
 */
export type Verdict = string

/** One path of a packet, for one outcome of each random choice. */
export interface Trace {
  readonly verdict: Verdict
  /** Where the packet is at its end. */
  readonly destination: IpAddress
  readonly port: number
  /** The probability of this path. */
  readonly probability: number
  /** Whether the packet leaves with an address of the node as source. */
  readonly isMasqueraded: boolean
  /** The list of `-m recent` into which a rule has put the sender, if any. */
  readonly recentList: string | undefined
  /** The comment of the rule that translated it, if one did. */
  readonly comment: string | undefined
}

/** Addresses of benchmarks (RFC 2544, RFC 5180), which no rule names. */
const ANY_SOURCE = { IPv4: '198.18.0.1', IPv6: '2001:2::1' }

/** Traces the first packet of a connection. @returns its verdict */
export function tracePacket(rules: MemoryTables, packet: Packet): Verdict {
  return traceOnly(rules, packet).verdict
}

/** Traces a packet whose way is not random. */
export function traceOnly(rules: MemoryTables, packet: Packet): Trace {
  const [trace, ...others] = traceAll(rules, packet)
  if (others.length > 0) throw new Error(`the outcome is random: ${others.length + 1} paths`)
  return trace!
}

/** All paths of the first packet of a client: one for each outcome of each random choice. */
export function traceAll(rules: MemoryTables, packet: Packet): Trace[] {
  return walkTestPacket(rules, packet).map(traceOf)
}

/**
 * Walks through the rules with what the product's own code knows of netfilter. Nothing may remain unknown: the rules of a test are all
 * understood.
 */
export function walkTestPacket(
  rules: MemoryTables,
  packet: Packet,
  findVirtualServer: NodeFacts['findVirtualServer'] = () => undefined,
): readonly PacketPath[] {
  const { hook, protocol, destination, port, source = ANY_SOURCE[familyOf(destination)], inInterface = 'eth0' } = packet
  const { paths, isComplete } = walkRules(
    rules,
    {
      ...{ hook, protocol: protocol.toUpperCase() as Protocol, source, destination, port },
      ...{ inInterface, viaBridgePort: packet.viaBridgePort ?? false },
    },
    factsOf(packet, findVirtualServer),
  )
  const unknown = paths.flatMap(({ assumptions }) => assumptions)[0]
  if (unknown !== undefined) throw new Error(`not understood: ${unknown.unreadable} in ${ruleText(unknown.args)}`)
  const odd = paths.find(({ end }) => end.kind === 'unknown')
  if (!isComplete || odd !== undefined) throw new Error(`not understood: ${JSON.stringify(odd?.end)}`)
  return paths
}

function factsOf(packet: Packet, findVirtualServer: NodeFacts['findVirtualServer']): NodeFacts {
  const { localAddresses = [], sets, recent } = packet
  return {
    isOwnAddress: address => localAddresses.includes(address) || isLoopback(address),
    interfaceTo: () => 'eth0',
    addressOf: (_name, family) => localAddresses.find(ip => familyOf(ip) === family && !isLoopback(ip)),
    findSet: name => {
      const set = sets?.get(name)
      if (set === undefined) throw new Error(`no set: ${name}`)
      return set
    },
    secondsInList: list => (recent?.list === list ? recent.secondsAgo : 'never'),
    findVirtualServer,
  }
}

function traceOf(path: PacketPath): Trace {
  const { end, packet, probability } = path
  const { destination, port } = packet
  if (end.kind === 'dropped' || end.kind === 'refused') {
    const nothing = { isMasqueraded: false, recentList: undefined, comment: undefined }
    return { verdict: end.kind, destination, port, probability, ...nothing }
  }
  const step = translationOf(path) as RuleStep | undefined
  return {
    verdict: verdictOf(step),
    ...{ destination, port, probability, recentList: recentListOf(path) },
    isMasqueraded: sourceTranslationOf(path) !== undefined,
    comment: step?.rule.comment,
  }
}

function recentListOf({ steps }: PacketPath): string | undefined {
  const conditions = steps.flatMap(step => (step.kind === 'rule' ? step.rule.conditions : []))
  const recent = conditions.findLast(condition => condition.kind === 'recent' && condition.action === 'set')
  return recent?.kind === 'recent' ? recent.list : undefined
}

function verdictOf(step: RuleStep | undefined): Verdict {
  if (step === undefined) return 'untouched'
  const { destination, port } = step.after
  return step.rule.action.kind === 'redirect' ? `port ${port} here` : hostPort(destination, port)
}
