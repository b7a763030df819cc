import { type Cidr, parseCidr } from '../model/cidr.js'
import { type SettingReader } from './setting-reader.js'
import { IPVS_SCHEDULERS, type KernelModesConfig } from './kernel-modes-config.js'

const MAX_MASQUERADE_BIT = 31

/** Reads the settings of iptables and ipvs mode. */
export function readKernelModes(reader: SettingReader): KernelModesConfig {
  return {
    masqueradeAll: reader.readSwitch('masquerade-all'),
    masqueradeMark: readMasqueradeMark(reader),
    ipvs: {
      scheduler: reader.readChoice('ipvs-scheduler', IPVS_SCHEDULERS, reader.readTextOrDefault('ipvs-scheduler')),
      excludeCIDRs: readExcludeCidrs(reader),
      strictARP: reader.readSwitch('ipvs-strict-arp'),
      syncPeriod: reader.readDuration('ipvs-sync-period', 'positive'),
      minSyncPeriod: reader.readDuration('ipvs-min-sync-period', 'non-negative'),
      tcpTimeout: reader.readKernelTimeout('ipvs-tcp-timeout'),
      tcpFinTimeout: reader.readKernelTimeout('ipvs-tcpfin-timeout'),
      udpTimeout: reader.readKernelTimeout('ipvs-udp-timeout'),
    },
  }
}

function readMasqueradeMark(reader: SettingReader): number {
  const bit = reader.readCount('iptables-masquerade-bit')
  if (!reader.hasProblem('iptables-masquerade-bit') && bit > MAX_MASQUERADE_BIT)
    reader.addProblem('iptables-masquerade-bit', `must be from 0 to ${MAX_MASQUERADE_BIT}`)
  // A shift would make the highest bit negative.
  return 2 ** bit
}

function readExcludeCidrs(reader: SettingReader): readonly Cidr[] {
  const texts = reader.readCommaList('ipvs-exclude-cidrs')
  const ranges = texts.map(parseCidr).filter(range => range !== undefined)
  if (ranges.length < texts.length) reader.addProblem('ipvs-exclude-cidrs', 'expected CIDRs such as 192.168.0.0/16')
  return ranges
}
