import { type Cidr, parseCidr } from '../model/cidr.js'
import { type FlagReader } from './flag-reader.js'

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

const SCHEDULERS = ['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'sh', 'dh', 'sed', 'nq', 'mh', 'fo', 'ovf'] as const
/** See ipvsadm(8). */
export type IpvsScheduler = (typeof SCHEDULERS)[number]

const LAST_BIT = 31

export function readKernelModes(reader: FlagReader): KernelModesConfig {
  return {
    masqueradeAll: reader.isSet('masquerade-all'),
    masqueradeMark: masqueradeMark(reader),
    ipvs: {
      scheduler: scheduler(reader),
      excludeCIDRs: excludeCidrs(reader),
      strictARP: reader.isSet('ipvs-strict-arp'),
      syncPeriod: reader.duration('ipvs-sync-period', 'above'),
      minSyncPeriod: reader.duration('ipvs-min-sync-period', 'from'),
      tcpTimeout: reader.kernelTimeout('ipvs-tcp-timeout'),
      tcpFinTimeout: reader.kernelTimeout('ipvs-tcpfin-timeout'),
      udpTimeout: reader.kernelTimeout('ipvs-udp-timeout'),
    },
  }
}

function masqueradeMark(reader: FlagReader): number {
  const bit = reader.count('iptables-masquerade-bit')
  if (!reader.hasProblem('iptables-masquerade-bit') && bit > LAST_BIT)
    reader.problem('iptables-masquerade-bit', `must be within the range [0, ${LAST_BIT}]`)
  // Not a shift: the highest bit would make it negative.
  return 2 ** bit
}

function scheduler(reader: FlagReader): IpvsScheduler {
  const text = reader.text('ipvs-scheduler') || 'rr'
  const known = SCHEDULERS.find(name => name === text)
  if (known === undefined) reader.problem('ipvs-scheduler', `expected one of ${SCHEDULERS.join(', ')}`)
  return known ?? 'rr'
}

function excludeCidrs(reader: FlagReader): readonly Cidr[] {
  const texts = reader
    .list('ipvs-exclude-cidrs')
    .flatMap(value => value.split(','))
    .map(text => text.trim())
  const ranges = texts.map(parseCidr).filter(range => range !== undefined)
  if (ranges.length < texts.length) reader.problem('ipvs-exclude-cidrs', 'expected ranges such as "192.168.0.0/16"')
  return ranges
}
