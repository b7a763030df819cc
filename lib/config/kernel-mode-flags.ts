import { type Flag } from './flag.js'

/** Flags of the modes in which the kernel carries the traffic. */
export const KERNEL_MODE_FLAGS: readonly Flag[] = [
  {
    name: 'masquerade-all',
    kind: 'switch',
    help: 'In iptables and ipvs mode, give all traffic to ClusterIPs the source address of the node',
  },
  {
    name: 'iptables-masquerade-bit',
    kind: 'text',
    default: '14',
    value: 'BIT',
    help: 'In iptables and ipvs mode, the bit of the packet mark that asks for the source address of the node, 0 to 31',
  },
  {
    name: 'ipvs-scheduler',
    kind: 'text',
    default: 'rr',
    value: 'NAME',
    help: 'In ipvs mode, how endpoints are chosen: rr, wrr, lc, wlc, lblc, lblcr, sh, dh, sed, nq, mh, fo or ovf',
  },
  {
    name: 'ipvs-sync-period',
    kind: 'text',
    default: '30s',
    value: 'DURATION',
    help: 'In ipvs mode, how often everything is checked and repaired',
  },
  {
    name: 'ipvs-min-sync-period',
    kind: 'text',
    default: '1s',
    value: 'DURATION',
    help: 'In ipvs mode, how often the kernel is written to at the most',
  },
  {
    name: 'ipvs-exclude-cidrs',
    kind: 'list',
    value: 'CIDR',
    help: 'In ipvs mode, virtual servers at these addresses are never touched',
  },
  {
    name: 'ipvs-strict-arp',
    kind: 'switch',
    help: 'In ipvs mode, have the node answer ARP only for addresses of the interface that is asked (arp_ignore=1, arp_announce=2)',
  },
  {
    name: 'ipvs-tcp-timeout',
    kind: 'text',
    default: '0',
    value: 'DURATION',
    help: 'In ipvs mode, how long an idle TCP connection is remembered; 0 leaves it alone',
  },
  {
    name: 'ipvs-tcpfin-timeout',
    kind: 'text',
    default: '0',
    value: 'DURATION',
    help: 'In ipvs mode, how long a TCP connection is remembered after its end; 0 leaves it alone',
  },
  {
    name: 'ipvs-udp-timeout',
    kind: 'text',
    default: '0',
    value: 'DURATION',
    help: 'In ipvs mode, how long an idle UDP flow is remembered; 0 leaves it alone',
  },
]
