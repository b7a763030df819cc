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
