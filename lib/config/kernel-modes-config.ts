import { type Cidr } from '../model/cidr.js'

/** Settings of the modes in which the kernel carries the traffic. Times are milliseconds. */
export interface KernelModesConfig {
  /** Whether all traffic to ClusterIPs gets the source address of the node. */
  readonly masqueradeAll: boolean
  /** The bit of a packet's mark that asks for that, as a number: bit 14 is 0x4000. */
  readonly masqueradeMark: number
  readonly ipvs: IpvsConfig
}

export interface IpvsConfig {
  readonly scheduler: IpvsScheduler
  /** Virtual servers at these addresses are somebody else's. */
  readonly excludeCIDRs: readonly Cidr[]
  readonly strictARP: boolean
  readonly syncPeriod: number
  readonly minSyncPeriod: number
  /** 0: as the kernel has it. */
  readonly tcpTimeout: number
  readonly tcpFinTimeout: number
  readonly udpTimeout: number
}

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
/** See ipvsadm(8). */
export type IpvsScheduler = (typeof IPVS_SCHEDULERS)[number]
