import { KERNEL_MODE_FLAGS } from './kernel-mode-flags.js'

/** One command-line flag. Every value comes in as text and is read by `readConfig`, so that every error reads alike. */
export interface Flag {
  readonly name: string
  readonly kind: 'text' | 'switch' | 'list'
  readonly default?: string
  /** What stands for the value in the help. */
  readonly value?: string
  readonly help: string
  /** Not a flag of kube-proxy. */
  readonly ours?: true
}

/** All flags of `kube-proxy`: the command line, its help and the table in the docs are made from this. */
export const FLAGS: readonly Flag[] = [
  {
    name: 'kubeconfig',
    kind: 'text',
    default: '',
    value: 'FILE',
    help: 'How to reach the API server; without it and --master: as the Pod that we run in',
  },
  {
    name: 'master',
    kind: 'text',
    default: '',
    value: 'URL',
    help: 'The API server; overrides the one in --kubeconfig',
  },
  {
    name: 'manifests',
    kind: 'list',
    value: 'PATH',
    ours: true,
    help: 'Read objects from a file or folder of YAML or JSON instead of an API server, again whenever it changes; may be repeated',
  },
  {
    name: 'hostname-override',
    kind: 'text',
    default: '',
    value: 'NAME',
    help: 'Name of our Node, instead of the host name',
  },
  {
    name: 'proxy-mode',
    kind: 'text',
    default: 'userspace',
    value: 'MODE',
    help: 'How Services are served: userspace, iptables or ipvs; of a list such as ipvs,userspace the first that this node can do',
  },
  {
    name: 'bind-address',
    kind: 'text',
    default: '0.0.0.0',
    value: 'IP',
    help: "Address to listen on; 0.0.0.0 and :: mean the node's own",
  },
  {
    name: 'cluster-cidr',
    kind: 'text',
    default: '',
    value: 'CIDR',
    help: 'Range of Pod addresses; one for each IP family, separated by a comma',
  },
  {
    name: 'detect-local-mode',
    kind: 'text',
    default: 'ClusterCIDR',
    value: 'MODE',
    help: 'How Pods are told from others: ClusterCIDR, NodeCIDR, BridgeInterface or InterfaceNamePrefix',
  },
  {
    name: 'pod-bridge-interface',
    kind: 'text',
    default: '',
    value: 'NAME',
    help: 'The bridge of the Pods, for --detect-local-mode=BridgeInterface',
  },
  {
    name: 'pod-interface-name-prefix',
    kind: 'text',
    default: '',
    value: 'PREFIX',
    help: "How names of Pods' interfaces begin, for --detect-local-mode=InterfaceNamePrefix",
  },
  {
    name: 'nodeport-addresses',
    kind: 'list',
    value: 'CIDR',
    help: 'Where node ports are served: ranges, or "primary" for the node\'s own address; every address when it is left out',
  },
  {
    name: 'source-ranges-at-nodeports',
    kind: 'switch',
    ours: true,
    help: 'Let loadBalancerSourceRanges count for node ports too, not only for load-balancer IPs',
  },
  {
    name: 'iptables-localhost-nodeports',
    kind: 'text',
    default: 'true',
    value: 'BOOL',
    help: 'Whether node ports answer on loopback too',
  },
  {
    name: 'proxy-port-range',
    kind: 'text',
    default: '',
    value: 'RANGE',
    help: 'Ports to listen on: N, A-B or A+offset; empty: the kernel chooses',
  },
  {
    name: 'udp-timeout',
    kind: 'text',
    default: '',
    value: 'DURATION',
    help: 'How long an idle UDP flow is kept; by default 30s, and 180s once it was answered',
  },
  {
    name: 'fast-path',
    kind: 'text',
    default: 'auto',
    value: 'WHEN',
    ours: true,
    help: "Whether TCP and UDP go by way of Node's inner handles: auto, where a probe at the start finds that they work, or off",
  },
  {
    name: 'iptables-sync-period',
    kind: 'text',
    default: '30s',
    value: 'DURATION',
    help: 'How often rules are checked and repaired',
  },
  {
    name: 'iptables-min-sync-period',
    kind: 'text',
    default: '1s',
    value: 'DURATION',
    help: 'How often rules are written at the most',
  },
  ...KERNEL_MODE_FLAGS,
  {
    name: 'conntrack-max-per-core',
    kind: 'text',
    default: '32768',
    value: 'N',
    help: 'Entries of connection tracking for each CPU, if the kernel has fewer; 0 leaves the table alone',
  },
  {
    name: 'conntrack-min',
    kind: 'text',
    default: '131072',
    value: 'N',
    help: 'Entries of connection tracking at the least, whatever --conntrack-max-per-core comes to',
  },
  {
    name: 'conntrack-tcp-timeout-established',
    kind: 'text',
    default: '24h',
    value: 'DURATION',
    help: 'How long the kernel remembers an idle TCP connection; 0 leaves it alone',
  },
  {
    name: 'conntrack-tcp-timeout-close-wait',
    kind: 'text',
    default: '1h',
    value: 'DURATION',
    help: 'How long the kernel remembers a TCP connection that one side has closed; 0 leaves it alone',
  },
  {
    name: 'conntrack-tcp-be-liberal',
    kind: 'switch',
    help: 'Let TCP segments through that are outside of the window that the kernel expects',
  },
  {
    name: 'conntrack-udp-timeout',
    kind: 'text',
    default: '0',
    value: 'DURATION',
    help: 'How long the kernel remembers a UDP flow without an answer; 0 leaves it alone',
  },
  {
    name: 'conntrack-udp-timeout-stream',
    kind: 'text',
    default: '0',
    value: 'DURATION',
    help: 'How long the kernel remembers a UDP flow with answers; 0 leaves it alone',
  },
  {
    name: 'healthz-bind-address',
    kind: 'text',
    default: '0.0.0.0:10256',
    value: 'IP:PORT',
    help: 'Where /healthz and /livez are served; empty: nowhere',
  },
  {
    name: 'metrics-bind-address',
    kind: 'text',
    default: '127.0.0.1:10249',
    value: 'IP:PORT',
    help: 'Where /metrics and /proxyMode are served; empty: nowhere',
  },
  {
    name: 'drain-timeout',
    kind: 'text',
    default: '30s',
    value: 'DURATION',
    ours: true,
    help: 'How long open connections may go on after SIGTERM or SIGINT',
  },
  {
    name: 'data-plane-workers',
    kind: 'text',
    default: 'auto',
    value: 'N',
    ours: true,
    help: 'Processes that hold the sockets; 0: this one; auto: one for every two CPUs, at least 1, at most 8',
  },
  {
    name: 'on-exit',
    kind: 'text',
    default: 'keep',
    value: 'WHAT',
    ours: true,
    help: 'What becomes of our rules at the end: keep them, cleanup, or, in userspace mode, kernel: have the kernel serve meanwhile',
  },
  {
    name: 'cleanup',
    kind: 'switch',
    help: 'Remove every rule of every mode, ours and of the original, and exit',
  },
  {
    name: 'v',
    kind: 'text',
    default: '0',
    value: 'LEVEL',
    help: 'How much is logged: 1 Services, 2 syncs, 3 connections, 4 changes, 5 rules',
  },
]
