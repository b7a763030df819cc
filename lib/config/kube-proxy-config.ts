import { type Cidr } from '../model/cidr.js'
import { type IpAddress } from '../model/address.js'
import { type PortRange } from '../model/port-range.js'
import { type KernelModesConfig } from './kernel-modes-config.js'

/** Settings of the kernel's connection tracking. Times are milliseconds; 0 keeps the kernel's value. */
export interface ConntrackConfig {
  /** Entries in the table for each CPU; with 0, `min` does not apply either. */
  readonly maxPerCore: number
  /** Minimum number of entries in the table. */
  readonly min: number
  /** Time until an idle TCP connection expires. */
  readonly tcpEstablishedTimeout: number
  /** Time until a TCP connection expires that only one side has closed. */
  readonly tcpCloseWaitTimeout: number
  /** Whether TCP segments outside the expected window pass. */
  readonly tcpBeLiberal: boolean
  /** Time until an idle UDP flow without answers expires. */
  readonly udpTimeout: number
  /** Time until an idle UDP flow with answers expires. */
  readonly udpStreamTimeout: number
}

/** Methods to recognise packets from Pods of the cluster (`detectLocalMode` of KubeProxyConfiguration). */
export const DETECT_LOCAL_MODES = ['ClusterCIDR', 'NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix'] as const

/** A method, with the name of the interface or the prefix of interface names that it needs. */
export type DetectLocal =
  | { readonly mode: 'ClusterCIDR' | 'NodeCIDR' }
  | { readonly mode: 'BridgeInterface' | 'InterfaceNamePrefix'; readonly name: string }

/**
 * What to do with the rules on exit: what serves clients best, which is `kernel` if the node supports it; keep them; remove them;
 * or, in userspace mode, replace them by rules with which the kernel serves while the proxy is down. Only `kernel` itself does so
 * after the proxy was killed, too, and fails at the start if the node does not support it.
 */
export const ON_EXIT = ['auto', 'keep', 'cleanup', 'kernel'] as const

/** One of `ON_EXIT`. */
export type OnExit = (typeof ON_EXIT)[number]

/** Whether to use Node's internal TCP and UDP handles: if a probe finds that they work, or never. */
export const FAST_PATH = ['auto', 'off'] as const

/** Forms of a log line: klog's text, or an object in JSON. */
export const LOG_FORMATS = ['text', 'json'] as const

/** The parts of a mode that checks of the configuration need; every `Mode` has them. */
export interface KnownMode {
  readonly name: string
  /** Whether sockets of this proxy or the kernel carry the traffic. */
  readonly carriedBy: 'sockets' | 'kernel'
}

/** The checked configuration. Names follow KubeProxyConfiguration where it has the field; times are milliseconds. */
export interface KubeProxyConfig {
  /** The value of every option by name, as the operator gave it or by default: for `/configz`, `/flagz` and `--write-config-to`. */
  readonly options: Readonly<Record<string, string | readonly string[]>>
  /** Path of the configuration file; empty: there is none. */
  readonly configFile: string
  /** Path of the file to write the configuration to, before the program exits; empty: none. */
  readonly writeConfigTo: string
  /** Path of the kubeconfig file; empty, with `master` empty too: the service account of the Pod. */
  readonly kubeconfig: string
  /** URL of the API server; overrides the kubeconfig's. */
  readonly master: string
  /** Files and folders to read objects from instead of an API server. */
  readonly manifests: readonly string[]
  /** Whether a mistake in a manifest at the start ends the program. */
  readonly manifestsStrict: boolean
  /** Name of the Node that the proxy runs on, lower case. */
  readonly nodeName: string
  /** Proxy modes in order of preference; the proxy uses the first one that this node supports. */
  readonly modes: readonly string[]
  /** Address of the listeners of its family; undefined: the node's own. */
  readonly bindAddress: IpAddress | undefined
  /** Ranges of Pod addresses, at most one for each family. */
  readonly clusterCIDR: readonly Cidr[]
  /** How to recognise packets from Pods. */
  readonly detectLocal: DetectLocal
  /** Ranges of the node addresses that serve node ports, `primary` for the primary node address; undefined: all addresses. */
  readonly nodePortAddresses: readonly (Cidr | 'primary')[] | undefined
  /** Whether `loadBalancerSourceRanges` apply to node ports too. */
  readonly rangesAtNodePorts: boolean
  /** Whether userspace mode serves endpoints that are addresses of this node but no Pods. */
  readonly allowNodeAddressEndpoints: boolean
  /** Whether loopback serves node ports too. */
  readonly localhostNodePorts: boolean
  /** Ports of the listeners; undefined: the kernel chooses. */
  readonly portRange: PortRange | undefined
  /** Time until an idle UDP flow expires; undefined: DEFAULT_UDP_TIMEOUTS. */
  readonly udpIdleTimeout: number | undefined
  /** Whether to use Node's internal TCP and UDP handles. */
  readonly fastPath: (typeof FAST_PATH)[number]
  /** Whether source ports of connections that have ended are used again after a second. */
  readonly reuseSourcePorts: boolean
  /** Interval between checks of the rules. */
  readonly iptablesSyncPeriod: number
  /** Minimum interval between writes of the rules, on average: two writes may follow each other at once. */
  readonly iptablesMinSyncPeriod: number
  readonly kernelModes: KernelModesConfig
  readonly conntrack: ConntrackConfig
  /** `address:port` of /healthz and /livez; empty: not served. */
  readonly healthzBindAddress: string
  /** Time after which /healthz fails if the source has not made sure that its state is current; 0: never. */
  readonly healthzStaleTimeout: number
  /** `address:port` of /metrics and /proxyMode; empty: not served. */
  readonly metricsBindAddress: string
  /** Path of the Unix socket of the status API; empty: not served. */
  readonly statusSocket: string
  /** `address:port` of the page; empty: not served. */
  readonly dashboardBindAddress: string
  /** Whether the page may have an address other than of loopback; it has a token then. */
  readonly dashboardAllowRemote: boolean
  /** Path of the file with the token of the page; empty: it needs none. */
  readonly dashboardTokenFile: string
  /** Whether a port of health checks or metrics that is not free ends the program. */
  readonly bindAddressHardFail: boolean
  /** Whether the port of metrics serves profiles. */
  readonly profiling: boolean
  /** Time that open connections may continue after SIGTERM or SIGINT. */
  readonly drainTimeout: number
  /** Number of worker processes with the sockets; 0: the control process has them; `auto`: by the number of CPUs. */
  readonly dataPlaneWorkers: number | 'auto'
  /** Value for `/proc/self/oom_score_adj`. */
  readonly oomScoreAdj: number
  readonly onExit: OnExit
  /** Whether to remove all rules and exit. */
  readonly cleanup: boolean
  /** Whether to write the settings of the kernel and exit. */
  readonly initOnly: boolean
  /** Highest level of log messages. */
  readonly verbosity: number
  readonly logFormat: (typeof LOG_FORMATS)[number]
}
