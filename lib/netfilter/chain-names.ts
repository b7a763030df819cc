/** The chains that the kernel has in every table that has the hook. */
export const BUILT_IN_CHAINS: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'])

/**
 * The chains of userspace mode. They have the names of kube-proxy 1.20, so that its leftovers are recognised and replaced,
 * and operators who know it find the same chains.
 */
export const PORTALS_CONTAINER = 'KUBE-PORTALS-CONTAINER'
export const PORTALS_HOST = 'KUBE-PORTALS-HOST'
export const NODEPORT_CONTAINER = 'KUBE-NODEPORT-CONTAINER'
export const NODEPORT_HOST = 'KUBE-NODEPORT-HOST'
export const NODEPORT_NON_LOCAL = 'KUBE-NODEPORT-NON-LOCAL'

/** Not in kube-proxy: drops packets to Services whose endpoints are all on other nodes. */
export const PORTALS_DROP = 'KUBE-PORTALS-DROP'
/** Not in kube-proxy: finds packets to proxy ports, and checks their source ranges. */
export const PROXY_PORTS = 'KUBE-PROXY-PORTS'
/** Not in kube-proxy: accepts translated packets to a proxy port, and refuses all others. */
export const PROXY_DOOR = 'KUBE-PROXY-DOOR'

/**
 * Not in kube-proxy: drops TCP segments of Services that conntrack finds invalid, such as those outside of the window. The kernel does
 * not translate them, so the node, or the host that they reach, would answer them with a reset of the connection.
 */
export const PROXY_INVALID = 'KUBE-PROXY-INVALID'

/** Not in kube-proxy: the same in ipvs mode. Its rules match sets, so it must disappear with the mode. */
export const IPVS_INVALID = 'KUBE-IPVS-INVALID'

/** Not in kube-proxy: begins the name of a chain that a proxy makes in the table mangle for a moment, to show that it may write rules. */
export const HAND_OVER_PREFIX = 'KUBE-HANDOVER-'

/** Name prefixes of the chains of trees, by table. */
export const TREE_PREFIXES: ReadonlyMap<string, readonly string[]> = new Map([
  ['nat', ['KUBE-ADDR-', 'KUBE-IN-', 'KUBE-OUT-', 'KUBE-NP-', 'KUBE-NPI-', 'KUBE-NPO-']],
  ['filter', ['KUBE-DROP-', 'KUBE-DOOR-', 'KUBE-INV-']],
])

/**
 * The chains of the kernel modes that do not depend on Services, with the names of kube-proxy. The first two are in both
 * tables, nat and filter.
 */
export const SERVICES = 'KUBE-SERVICES'
export const NODE_PORTS = 'KUBE-NODEPORTS'
export const POSTROUTING = 'KUBE-POSTROUTING'
export const MARK_MASQ = 'KUBE-MARK-MASQ'
/** Not in kube-proxy: with several ways to recognise Pods, marks packets that none of them recognises. */
export const MARK_STRANGERS = 'KUBE-MARK-STRANGERS'
export const EXTERNAL_SERVICES = 'KUBE-EXTERNAL-SERVICES'
export const FORWARD = 'KUBE-FORWARD'
export const PROXY_FIREWALL = 'KUBE-PROXY-FIREWALL'
/** Shared with the kubelet: neither program may flush it. */
export const KUBE_FIREWALL = 'KUBE-FIREWALL'
/** Of kube-proxy and of earlier versions of this program, in each table; no rule jumps to it. */
export const PROXY_CANARY = 'KUBE-PROXY-CANARY'

/**
 * Name prefixes of the chains of one service port or endpoint in iptables mode, as in kube-proxy. XLB is of versions before
 * 1.24.
 */
export const SERVICE_PREFIXES: readonly string[] = ['SVC', 'SVL', 'EXT', 'FW', 'SEP', 'XLB'].map(
  kind => `KUBE-${kind}-`,
)

/** All chains of ipvs mode by table, including those of kube-proxy: another mode removes them. */
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
      ...['KUBE-EXTERNAL-POLICY', 'KUBE-IPVS-FILTER', 'KUBE-IPVS-OUT-FILTER', IPVS_INVALID],
    ],
  ],
  ['mangle', [PROXY_FIREWALL, 'KUBE-SOURCE-RANGES-FIREWALL', IPVS_INVALID]],
])
