import { type NodeManager } from '../../../lib/node/node-manager.js'
import { type IpAddress } from '../../../lib/model/address.js'
import { type Log } from '../../../lib/model/log.js'
import { type ServedPort } from '../../../lib/model/snapshot.js'
import { type Proxier } from '../../../lib/modes/proxier.js'
import { type FlowEnd } from '../../../lib/system/conntrack.js'
import { type MemoryConntrack } from '../kernel/memory-conntrack.js'
import { type MemoryIpSets } from '../kernel/memory-ip-sets.js'
import { type MemoryIptables } from '../kernel/memory-iptables.js'
import { type ExpectedPort } from './scenario.js'
import { type ExpectedPacket, type PacketOutcome } from './scenario-packets.js'

/** What every mode's proxier stands on in a scenario. */
export interface HarnessDependencies {
  readonly node: NodeManager
  readonly iptables: readonly MemoryIptables[]
  readonly sets: MemoryIpSets
  readonly conntrack: MemoryConntrack
  readonly log: Log
}

/** One mode's proxier with what it leads packets to, in memory. */
export interface ModeHarness {
  readonly proxier: Proxier
  /** Whether the rules in the kernel are what the proxier wants, by reading all of them. */
  verifyInSync(): Promise<boolean>
  /** What is served behind a cluster IP, as a scenario says it; undefined: nothing. */
  observe(port: ServedPort): ExpectedPort | undefined
  /** What is the same object, or text, while nothing changes for a service port. */
  getIdentity(port: ServedPort): unknown
  /** Whom flows are led to: a listener of userspace mode by its entrance, elsewhere an endpoint. */
  resolveFlowTarget(port: ServedPort, listener: string): FlowEnd | undefined
  resolvePacket(
    packet: ExpectedPacket,
    addresses: readonly IpAddress[],
    nameOf: (port: ServedPort) => string,
  ): PacketOutcome
}
