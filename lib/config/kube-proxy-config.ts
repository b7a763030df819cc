import { type Cidr } from '../model/cidr.js'
import { type IpAddress } from '../model/address.js'
import { type PortRange } from '../model/port-range.js'
import { type KernelModesConfig } from './kernel-modes-config.js'

/** Settings of the kernel's connection tracking. 0 leaves a value alone. */
export interface ConntrackConfig {
  /** Entries in the table for each CPU; with 0 neither this nor `min` counts. */
  readonly maxPerCore: number
  /** Entries in the table at the least. */
  readonly min: number
  /** How long a TCP connection may be idle. */
  readonly tcpEstablishedTimeout: number
  /** How long one side of a TCP connection may take to close after the other. */
  readonly tcpCloseWaitTimeout: number
  /** Whether TCP segments outside of the window are let through. */
  readonly tcpBeLiberal: boolean
  /** How long a UDP flow without an answer is remembered. */
  readonly udpTimeout: number
  /** How long a UDP flow with answers is remembered. */
  readonly udpStreamTimeout: number
}

/** How a packet shows that it comes from a Pod of the cluster (`detectLocalMode` of KubeProxyConfiguration). */
export type DetectLocal =
  | { readonly mode: 'ClusterCIDR' | 'NodeCIDR' }
  | { readonly mode: 'BridgeInterface' | 'InterfaceNamePrefix'; readonly name: string }

/**
 * What becomes of our rules at the end: they stay as they are, as with kube-proxy; go; or, in userspace mode, give way to rules
 * by which the kernel serves until we are back.
 */
export type OnExit = 'keep' | 'cleanup' | 'kernel'

/** What the configuration has to know of a mode; every `Mode` is one. */
export interface KnownMode {
  readonly name: string
  readonly carriedBy: 'sockets' | 'kernel'
}

/** What the operator asked for, checked. Names follow KubeProxyConfiguration where it has the field; times are milliseconds. */
export interface KubeProxyConfig {
  /** File with the way to the API server; with `master` empty too: the Pod's service account. */
  readonly kubeconfig: string
  /** URL of the API server; overrides the kubeconfig's. */
  readonly master: string
  /** Files and folders to read objects from instead of an API server. */
  readonly manifests: readonly string[]
  /** Name of our Node, lower case. */
  readonly nodeName: string
  /** In the order of preference: the first that this node can do. */
  readonly modes: readonly string[]
  /** Address to listen on; undefined (`0.0.0.0`, `::`): the node's own, found by itself. */
  readonly bindAddress: IpAddress | undefined
  /** Ranges of Pod addresses, at most one for each family. */
  readonly clusterCIDR: readonly Cidr[]
  /** How packets of Pods are told from others. */
  readonly detectLocal: DetectLocal
  /** Where node ports are served: ranges, `primary` for the node's own address, undefined for every address. */
  readonly nodePortAddresses: readonly Cidr[] | 'primary' | undefined
  /** Whether `loadBalancerSourceRanges` count for node ports too. */
  readonly rangesAtNodePorts: boolean
  /** Whether node ports answer on loopback too. */
  readonly localhostNodePorts: boolean
  /** Proxy ports; undefined: the kernel chooses. */
  readonly portRange: PortRange | undefined
  /** How long a UDP flow may be idle; undefined: 30 s, and 180 s once it was answered. */
  readonly udpIdleTimeout: number | undefined
  /** Whether TCP and UDP may go by way of what is under Node's public API. */
  readonly fastPath: 'auto' | 'off'
  /** Rules are checked and repaired this often. */
  readonly iptablesSyncPeriod: number
  /** Rules are written at most this often, two bursts allowed. */
  readonly iptablesMinSyncPeriod: number
  readonly kernelModes: KernelModesConfig
  readonly conntrack: ConntrackConfig
  /** `address:port`; empty: none. */
  readonly healthzBindAddress: string
  readonly metricsBindAddress: string
  /** How long open connections may go on after SIGTERM or SIGINT. */
  readonly drainTimeout: number
  /** Worker processes that hold the sockets; 0: the control process does; `auto`: by the number of CPUs. */
  readonly dataPlaneWorkers: number | 'auto'
  readonly onExit: OnExit
  /** Remove all rules and exit. */
  readonly cleanup: boolean
  readonly verbosity: number
}
