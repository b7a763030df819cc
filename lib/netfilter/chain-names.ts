/**
 * Names of the userspace mode's chains, those of the original (kube-proxy 1.20), so that what it left behind is recognised
 * and replaced, and whoever knows it finds things where they were.
 */
export const PORTALS_CONTAINER = 'KUBE-PORTALS-CONTAINER'
export const PORTALS_HOST = 'KUBE-PORTALS-HOST'
export const NODEPORT_CONTAINER = 'KUBE-NODEPORT-CONTAINER'
export const NODEPORT_HOST = 'KUBE-NODEPORT-HOST'
export const NODEPORT_NON_LOCAL = 'KUBE-NODEPORT-NON-LOCAL'

/** Ours, of which the original has none: what is dropped because its endpoints are on other nodes. */
export const PORTALS_DROP = 'KUBE-PORTALS-DROP'
/** Ours: finds the ports that our listeners hold, and who may come in there. */
export const PROXY_PORTS = 'KUBE-PROXY-PORTS'
/** Ours: lets translated packets in to a proxy port, and refuses all others. */
export const PROXY_DOOR = 'KUBE-PROXY-DOOR'

/** How the names of chains begin that are branches of trees, by table. */
export const TREE_PREFIXES: ReadonlyMap<string, readonly string[]> = new Map([
  ['nat', ['KUBE-ADDR-', 'KUBE-IN-', 'KUBE-OUT-', 'KUBE-NP-', 'KUBE-NPI-', 'KUBE-NPO-']],
  ['filter', ['KUBE-DROP-', 'KUBE-DOOR-']],
])

/**
 * Names of the kernel modes' chains that are there whatever the Services, those of kube-proxy; the first two in tables nat and
 * filter both.
 */
export const SERVICES = 'KUBE-SERVICES'
export const NODE_PORTS = 'KUBE-NODEPORTS'
export const POSTROUTING = 'KUBE-POSTROUTING'
export const MARK_MASQ = 'KUBE-MARK-MASQ'
/** Ours: where there are several ways to tell Pods from others, marks what is told by none. */
export const MARK_STRANGERS = 'KUBE-MARK-STRANGERS'
export const EXTERNAL_SERVICES = 'KUBE-EXTERNAL-SERVICES'
export const FORWARD = 'KUBE-FORWARD'
export const PROXY_FIREWALL = 'KUBE-PROXY-FIREWALL'
/** The kubelet's and ours: neither may empty it. */
export const KUBE_FIREWALL = 'KUBE-FIREWALL'
/** In each table, led to by nothing: whoever flushes the rules takes it along, and that is how we know. */
export const PROXY_CANARY = 'KUBE-PROXY-CANARY'

/**
 * How the names of chains begin that belong to one service port or endpoint in the iptables mode, those of kube-proxy; XLB is
 * of versions before 1.24.
 */
export const SERVICE_PREFIXES: readonly string[] = ['SVC', 'SVL', 'EXT', 'FW', 'SEP', 'XLB'].map(
  kind => `KUBE-${kind}-`,
)

/** All chains of ipvs mode by table, kube-proxy's too: what is removed when the mode is left. */
export const IPVS_CHAIN_NAMES: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'nat',
    [
      ...[SERVICES, POSTROUTING, MARK_MASQ, 'KUBE-NODE-PORT', 'KUBE-LOAD-BALANCER'],
      ...['KUBE-CLUSTER-IP-MASQ', 'KUBE-FIREWALL'],
    ],
  ],
  [
    'filter',
    [
      ...[FORWARD, 'KUBE-NODE-PORT', PROXY_FIREWALL, 'KUBE-SOURCE-RANGES-FIREWALL'],
      ...['KUBE-EXTERNAL-POLICY', 'KUBE-IPVS-FILTER', 'KUBE-IPVS-OUT-FILTER'],
    ],
  ],
  ['mangle', [PROXY_FIREWALL, 'KUBE-SOURCE-RANGES-FIREWALL']],
])
