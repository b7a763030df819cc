/**
 * The comments of all links, in every mode. Those of the original kube-proxy are the same. A rule with one of them that jumps to a
 * chain of this program was written by this program, by another version of it, or by the original.
 */
export const LINK_COMMENTS = {
  frontends: 'handle ClusterIPs; NOTE: this must be before the NodePort rules',
  userspaceNodePorts: 'handle service NodePorts; NOTE: this must be the last rule in the chain',
  onOtherNodes: 'Services whose endpoints are on other nodes only',
  proxyPorts: 'proxy ports',
  invalidSegments: 'segments of no connection',
  services: 'kubernetes service portals',
  externalServices: 'kubernetes externally-visible service portals',
  healthChecks: 'kubernetes health check service ports',
  ipvsHealthChecks: 'kubernetes health check rules',
  postrouting: 'kubernetes postrouting rules',
  forwarding: 'kubernetes forwarding rules',
  firewall: 'kubernetes load balancer firewall',
  ipvsFirewall: 'kube-proxy firewall rules',
  ipvsFilter: 'kubernetes ipvs access filter',
} as const
