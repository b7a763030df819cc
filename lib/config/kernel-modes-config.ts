import { type Cidr } from '../model/cidr.js'

/** Settings of iptables and ipvs mode, in which the kernel carries the traffic. Times are milliseconds. */
export interface KernelModesConfig {
  /** Whether to masquerade all traffic to ClusterIPs: give it the source address of the node. */
  readonly masqueradeAll: boolean
  /** The mark of packets to masquerade, a number with one bit: bit 14 is 0x4000. */
  readonly masqueradeMark: number
  /** Settings of ipvs mode only. */
  readonly ipvs: IpvsConfig
}

/** Settings of ipvs mode. Times are milliseconds. */
export interface IpvsConfig {
  /** The kernel's method to choose endpoints. */
  readonly scheduler: IpvsScheduler
  /** Address ranges of virtual servers that belong to other programs. */
  readonly excludeCIDRs: readonly Cidr[]
  /** Whether the node answers ARP for an address only on its own interface. */
  readonly strictARP: boolean
  /** Interval between checks of the kernel's state. */
  readonly syncPeriod: number
  /** Minimum interval between writes. */
  readonly minSyncPeriod: number
  /** Time until an idle TCP connection expires; 0, here and below: the kernel's value. */
  readonly tcpTimeout: number
  /** Time until a closed TCP connection expires. */
  readonly tcpFinTimeout: number
  /** Time until an idle UDP flow expires. */
  readonly udpTimeout: number
}

/** Names of the kernel's schedulers; see ipvsadm(8). */
export const IPVS_SCHEDULERS = [
  'rr',
  'wrr',
  'lc',
  'wlc',
  'lblc',
  'lblcr',
  'sh',
  'dh',
  'sed',
  'nq',
  'mh',
  'fo',
  'ovf',
] as const
/** One of `IPVS_SCHEDULERS`. */
export type IpvsScheduler = (typeof IPVS_SCHEDULERS)[number]
