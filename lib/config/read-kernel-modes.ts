import { type Cidr, parseCidr } from '../model/cidr.js'
import { type FlagReader } from './flag-reader.js'
import { IPVS_SCHEDULERS, type IpvsScheduler, type KernelModesConfig } from './kernel-modes-config.js'

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
  const known = IPVS_SCHEDULERS.find(name => name === text)
  if (known === undefined) reader.problem('ipvs-scheduler', `expected one of ${IPVS_SCHEDULERS.join(', ')}`)
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
