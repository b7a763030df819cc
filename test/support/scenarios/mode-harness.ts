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

/** What the proxier of every mode uses in a scenario. */
export interface HarnessDependencies {
  readonly node: NodeManager
  readonly servesNodeAddresses: boolean
  readonly iptables: readonly MemoryIptables[]
  readonly sets: MemoryIpSets
  readonly conntrack: MemoryConntrack
  readonly log: Log
}

/** The proxier of one mode, with its listeners or kernel in memory. */
export interface ModeHarness {
  readonly proxier: Proxier
  /** Reads all rules in the kernel. @returns whether they are what the proxier has to write */
  verifyInSync(): Promise<boolean>
  /** What the ClusterIP of a service port serves, in the format of a scenario; undefined if nothing. */
  observe(port: ServedPort): ExpectedPort | undefined
  /** An object or text that stays identical while nothing changes for a service port. */
  getIdentity(port: ServedPort): unknown
  /** The target of flows: a listener by its traffic class in userspace mode, otherwise an endpoint. */
  resolveFlowTarget(port: ServedPort, listener: string): FlowEnd | undefined
  resolvePacket(
    packet: ExpectedPacket,
    addresses: readonly IpAddress[],
    nameOf: (port: ServedPort) => string,
  ): PacketOutcome
}
