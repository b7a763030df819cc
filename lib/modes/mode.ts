import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type DataPlane } from '../dataplane/data-plane.js'
import { type LocalTraffic } from '../frontends/local-traffic.js'
import { type IpAddress, type IpFamily } from '../model/address.js'
import { type Clock } from '../model/clock.js'
import { type EventSink } from '../model/event-sink.js'
import { type Log } from '../model/log.js'
import { type ChainOwners, type OwnedChains } from '../netfilter/stale-chains.js'
import { type KernelTools } from '../system/kernel-tools.js'
import { type ModeDrain } from './mode-drain.js'
import { type ModeWalkthrough } from './mode-walkthrough.js'
import { type Proxier } from './proxier.js'

/**
 * One way to lead the traffic of Services to their endpoints (`--proxy-mode`). A mode is one folder, and this is all that the
 * rest of the program knows of it: nothing outside asks for a mode by its name. A new mode is a folder, and a line in the
 * registry.
 */
export interface Mode {
  /** As in `--proxy-mode`, metrics and `/proxyMode`. */
  readonly name: string
  /** Who carries a connection: sockets of this program, or the kernel, which goes on while this program is away. */
  readonly carriedBy: 'sockets' | 'kernel'
  /**
   * Whether the node is probed also where no other mode could take this one's place. Not where the first write of rules says
   * just as well what is missing, and a quick start matters.
   */
  readonly isProbedAlone: boolean
  /** How long the first sync waits for the Node object, and what happens when it does not come. */
  readonly nodeWait: NodeWaitPolicy
  /** Chains of this mode by table, those of kube-proxy and of older versions too: what another mode removes. */
  readonly chains: OwnedChains
  /** How the demo explains this mode, and what has to come true in it. */
  readonly walkthrough: ModeWalkthrough
  syncPeriods(config: KubeProxyConfig): SyncPeriods
  /** Tries whether this node can do the mode. @returns why not, and what is missing; undefined: it can */
  probe(config: KubeProxyConfig, kernel: KernelTools): Promise<string | undefined>
  /** Makes the proxier. It reads and writes nothing of the kernel's before it is started. @throws ProxyFailure */
  createProxier(resources: ModeResources): Promise<Proxier>
  /**
   * Removes everything of this mode but its rules, which are gone already. Left out: there is nothing else.
   * @returns whether there was anything
   * @throws ProxyFailure when something could not be removed
   */
  cleanup?(kernel: KernelTools): Promise<boolean>
  /** What open connections need of this mode after a switch to another one. Left out: nothing. */
  drain?(config: KubeProxyConfig, kernel: KernelTools, log: Log): ModeDrain
}

/** What a proxier is made from. */
export interface ModeResources {
  readonly config: KubeProxyConfig
  readonly kernel: KernelTools
  readonly node: NodeView
  readonly chainOwners: ChainOwners
  /** There where the traffic is carried by sockets. */
  readonly dataPlane: DataPlane | undefined
  readonly events: EventSink
  readonly log: Log
  readonly clock: Clock
  /** A number from 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number
}

/** What a mode knows of the node it runs on, at the moment it asks. */
export interface NodeView {
  /** The node's main address; undefined when it has none of that family. */
  getAddress(family: IpFamily): IpAddress | undefined
  /** The node's own addresses of a family, without loopback. */
  getAddresses(family: IpFamily): readonly IpAddress[]
  getLocalTraffic(family: IpFamily): LocalTraffic
  servesNodePortsOnLoopback(family: IpFamily): boolean
}

/** How often a mode checks the kernel, and how often it writes to it at most, in milliseconds. */
export interface SyncPeriods {
  readonly syncPeriod: number
  readonly minSyncPeriod: number
}

export interface NodeWaitPolicy {
  readonly timeoutMs: number
  /** After the time-out: serve without the Node, or end this process with NODE_MISSING. */
  readonly then: 'serve' | 'exit'
}

/** The kernel serves what it has while the Node is missing, and kube-proxy waits as long. */
export const KERNEL_NODE_WAIT: NodeWaitPolicy = { timeoutMs: 300_000, then: 'exit' }

/** What the proxiers of all modes need of the node, as they take it. */
export function commonProxierOptions({ kernel, node, chainOwners, events, log }: ModeResources) {
  return {
    iptables: kernel.iptables,
    conntrack: kernel.conntrack,
    chainOwners,
    nodeAddress: (family: IpFamily) => node.getAddress(family),
    nodeAddresses: (family: IpFamily) => node.getAddresses(family),
    localTraffic: (family: IpFamily) => node.getLocalTraffic(family),
    localhostNodePorts: (family: IpFamily) => node.servesNodePortsOnLoopback(family),
    events,
    log,
  }
}
