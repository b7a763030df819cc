import { type Flag } from './flag.js'
import { IPVS_SCHEDULERS } from './kernel-modes-config.js'

/** Flags of iptables and ipvs mode, in which the kernel carries the traffic. */
export const KERNEL_MODE_FLAGS: readonly Flag[] = [
  {
    name: 'masquerade-all',
    kind: 'switch',
    help: 'Masquerade all traffic to ClusterIPs: give it the source address of the node (iptables and ipvs mode)',
  },
  {
    name: 'iptables-masquerade-bit',
    kind: 'text',
    default: '14',
    value: 'BIT',
    help: 'Bit of the packet mark that requests masquerading, 0 to 31 (iptables and ipvs mode)',
  },
  {
    name: 'ipvs-scheduler',
    kind: 'text',
    default: 'rr',
    value: 'NAME',
    help: `IPVS scheduler, which chooses endpoints: ${IPVS_SCHEDULERS.join(', ')} (ipvs mode)`,
  },
  {
    name: 'ipvs-sync-period',
    kind: 'text',
    default: '30s',
    value: 'DURATION',
    help: 'Interval between checks and repairs of IPVS, sets and rules (ipvs mode)',
  },
  {
    name: 'ipvs-min-sync-period',
    kind: 'text',
    default: '1s',
    value: 'DURATION',
    help: 'Minimum interval between writes to the kernel (ipvs mode)',
  },
  {
    name: 'ipvs-exclude-cidrs',
    kind: 'list',
    value: 'CIDR',
    help: 'CIDRs of virtual servers that the proxy does not change or remove (ipvs mode); may be repeated',
  },
  {
    name: 'ipvs-strict-arp',
    kind: 'switch',
    help: 'Answer ARP for an address only on its own interface: arp_ignore=1, arp_announce=2 (ipvs mode)',
  },
  {
    name: 'ipvs-tcp-timeout',
    kind: 'text',
    default: '0',
    value: 'DURATION',
    help: "Time until an idle TCP connection expires in IPVS; 0: the kernel's value (ipvs mode)",
  },
  {
    name: 'ipvs-tcpfin-timeout',
    kind: 'text',
    default: '0',
    value: 'DURATION',
    help: "Time until a closed TCP connection expires in IPVS; 0: the kernel's value (ipvs mode)",
  },
  {
    name: 'ipvs-udp-timeout',
    kind: 'text',
    default: '0',
    value: 'DURATION',
    help: "Time until an idle UDP flow expires in IPVS; 0: the kernel's value (ipvs mode)",
  },
]
