import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type DataPlane } from '../dataplane/data-plane.js'
import { type IpFamily } from '../model/address.js'
import { type Clock } from '../model/clock.js'
import { type EventSink } from '../model/event-sink.js'
import { type Log } from '../model/log.js'
import { type NodeWaitPolicy } from '../model/node-wait-policy.js'
import { type ChainOwners, type OwnedChains } from '../netfilter/stale-chains.js'
import { type KernelTools } from '../system/kernel-tools.js'
import { type Forecast, type ForecastInput } from './forecast.js'
import { type ModeWalkthrough } from './mode-walkthrough.js'
import { type NodeView } from './node-view.js'
import { type ProbeRules } from './probe-rules.js'
import { type Proxier } from './proxier.js'
import { type FlowCleanupObserver } from './stale-flow-cleanup.js'

/**
 * One way to bring the traffic of Services to their endpoints (`--proxy-mode`). Each mode has one folder, and the rest of the program
 * uses only this interface: no code outside the folder depends on the name of a mode. (Kernel failover is iptables mode without its
 * process, so it imports that mode.) A new mode needs a folder and a line in the registry.
 */
export interface Mode {
  /** The name in `--proxy-mode`, metrics and `/proxyMode`. */
  readonly name: string
  /** What carries connections: sockets of this program, or the kernel, which continues while this program is down. */
  readonly carriedBy: 'sockets' | 'kernel'
  /**
   * Whether to probe the node even if `--proxy-mode` lists no other mode. False for a mode that must start quickly and whose first
   * write of rules reports what is missing.
   */
  readonly isProbedAlone: boolean
  /** How long the first sync waits for the Node object, and what happens after that time. */
  readonly nodeWait: NodeWaitPolicy
  /** The chains of this mode by table, also of older versions and of the original kube-proxy. Other modes remove them. */
  readonly chains: OwnedChains
  /** What the demo explains about this mode, and what it expects of it. */
  readonly walkthrough: ModeWalkthrough
  syncPeriods(config: KubeProxyConfig): SyncPeriods
  /** One rule of each kind that the mode writes. `probeMode` and `kube-proxy check` try whether the kernel accepts them. */
  probeRules(config: KubeProxyConfig, family: IpFamily): ProbeRules
  /** What the mode needs besides rules, in the order in which it is tried. Omitted if it needs nothing else. */
  requirements?(config: KubeProxyConfig, kernel: KernelTools): readonly Requirement[]
  /**
   * What the proxier would write for this input, without a kernel. It only computes. Omitted: `kube-proxy explain` knows only the rules in
   * the kernel, and no reasons.
   */
  forecast?(input: ForecastInput): Forecast
  /** Makes the proxier. The proxier does not read or write the kernel before `start`. @throws ProxyFailure */
  createProxier(resources: ModeResources): Promise<Proxier>
  /**
   * Writes the settings of the kernel that this mode needs, for `--init-only`: a later process may then lack the right to. Omitted
   * if it has none, or none that is safe to write before the rules.
   */
  initKernel?(config: KubeProxyConfig, kernel: KernelTools): void
  /**
   * Removes everything of this mode except its chains, which are removed before. Omitted if the mode has nothing else.
   * @returns whether there was anything to remove
   * @throws ProxyFailure if something could not be removed
   */
  cleanup?(kernel: KernelTools): Promise<boolean>
  /** Drains what open connections still need after a switch to another mode. Omitted if they need nothing. */
  drain?(config: KubeProxyConfig, kernel: KernelTools, log: Log): ModeDrain
}

/** What `createProxier` may use. */
export interface ModeResources {
  readonly config: KubeProxyConfig
  readonly kernel: KernelTools
  readonly node: NodeView
  readonly chainOwners: ChainOwners
  /** Undefined if the kernel carries the traffic. */
  readonly dataPlane: DataPlane | undefined
  readonly events: EventSink
  /** Absent: nothing observes the deletion of stale flows. */
  readonly flowObserver?: FlowCleanupObserver | undefined
  /** Takes notice of node ports that sockets of this program serve on loopback. Absent: nothing does. */
  readonly loopbackObserver?: LoopbackObserver | undefined
  /** Takes notice of Service ports without a proxy port. Absent: nothing does. */
  readonly proxyPortObserver?: ProxyPortObserver | undefined
  readonly log: Log
  readonly clock: Clock
  /** A number from 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number
}

/** How often a mode checks the kernel, and the minimum interval between writes, in milliseconds. */
export interface SyncPeriods {
  readonly syncPeriod: number
  readonly minSyncPeriod: number
  /**
   * Time between checks of the rules; omitted: the sync period. A check reads them only where the kernel does not report changes by
   * other programs.
   */
  readonly checkPeriod?: number
}

/** Why a node does not have something. */
export interface Lack {
  readonly reason: string
  /** What the operator can do. */
  readonly hint?: string | undefined
  /** Set if a program is not installed, so that nothing is known about the kernel. */
  readonly isProgramMissing?: boolean
}

/** One thing that a mode needs of the node besides rules. */
export interface Requirement {
  /** What it is, as text for people. */
  readonly name: string
  /** The kernel options that provide it, such as `CONFIG_IP_VS`. */
  readonly kernelOptions: readonly string[]
  /** The module that has it, unless it is built into the kernel. */
  readonly module?: string
  /**
   * Tries it, and removes what it created.
   * @returns why the node does not have it; undefined if it has
   */
  probe(): Promise<Lack | undefined>
}

/** Takes notice of Service ports that are not served because no proxy port is left for them. */
export interface ProxyPortObserver {
  /** How many there are now. */
  servicePortsWithoutPort(count: number): void
}

/** Takes notice of the listeners that serve node ports on loopback, as kube-proxy does for its metrics (KEP-6032). */
export interface LoopbackObserver {
  /** How many there are now, and how many could not be opened just now. */
  loopbackListeners(family: IpFamily, open: number, failed: number): void
}

/**
 * The result of a step: there was nothing, everything is removed, or something stays because open connections need it. In the last
 * case `draining` says how much, as fields of a log line.
 */
export type DrainState = 'nothing there' | 'all removed' | { readonly draining: Readonly<Record<string, number>> }

/** Removes what a mode left in the kernel, while open connections may still need it. */
export interface ModeDrain {
  /** Milliseconds between two steps. */
  readonly periodMs: number
  /** Removes what no open connection needs. @throws ProxyFailure if something could not be removed */
  step(): Promise<DrainState>
}

/** A long wait does no harm in modes of the kernel, which keeps serving with its rules. The original kube-proxy waits as long. */
export const KERNEL_NODE_WAIT: NodeWaitPolicy = { timeoutMs: 300_000, then: 'exit' }

/** Options that the proxiers of all modes have in common. */
export function commonProxierOptions({ kernel, node, chainOwners, events, flowObserver, log }: ModeResources) {
  return {
    iptables: kernel.iptables,
    conntrack: kernel.conntrack,
    flowObserver,
    chainOwners,
    ...nodeOptions(node),
    events,
    log,
  }
}

/** Those of them that say where the proxier runs. */
export function nodeOptions(node: Omit<NodeView, 'getPodAddresses'>) {
  return {
    nodeAddress: (family: IpFamily) => node.getAddress(family),
    nodeAddresses: (family: IpFamily) => node.getAddresses(family),
    localAddresses: (family: IpFamily) => node.getLocalAddresses(family),
    localTraffic: (family: IpFamily) => node.getLocalTraffic(family),
    localhostNodePorts: (family: IpFamily) => node.servesNodePortsOnLoopback(family),
  }
}
