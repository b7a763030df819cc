import { type OwnNode } from '../../lib/control/own-node.js'
import { type IpAddress } from '../../lib/model/address.js'
import { type Log } from '../../lib/model/log.js'
import { type ServedPort } from '../../lib/model/snapshot.js'
import { type Proxier } from '../../lib/modes/proxier.js'
import { type FlowEnd } from '../../lib/system/conntrack.js'
import { type MemoryConntrack } from './memory-conntrack.js'
import { type MemoryIpSets } from './memory-ip-sets.js'
import { type MemoryIptables } from './memory-iptables.js'
import { type ExpectedPort } from './scenario.js'
import { type ExpectedPacket, type PacketAnswer } from './scenario-packets.js'

/** What every mode's proxier stands on in a scenario. */
export interface ScenarioGround {
  readonly node: OwnNode
  readonly iptables: readonly MemoryIptables[]
  readonly sets: MemoryIpSets
  readonly conntrack: MemoryConntrack
  readonly log: Log
}

/** One mode's proxier with what it leads packets to, in memory. */
export interface ScenarioSide {
  readonly proxier: Proxier
  /** Whether the rules in the kernel are what the proxier wants, by reading all of them. */
  isAsWritten(): Promise<boolean>
  /** What is served behind a cluster IP, as a scenario says it; undefined: nothing. */
  servedOf(port: ServedPort): ExpectedPort | undefined
  /** What is the same object, or text, while nothing changes for a service port. */
  identityOf(port: ServedPort): unknown
  /** Whom flows are led to: a listener of userspace mode by its entrance, elsewhere an endpoint. */
  flowEnd(port: ServedPort, listener: string): FlowEnd | undefined
  answerTo(packet: ExpectedPacket, addresses: readonly IpAddress[], nameOf: (port: ServedPort) => string): PacketAnswer
}
