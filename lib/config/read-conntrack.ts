import { type ConntrackConfig } from './kube-proxy-config.js'
import { type SettingReader } from './setting-reader.js'

/** Reads the settings of connection tracking. */
export function readConntrack(reader: SettingReader): ConntrackConfig {
  return {
    maxPerCore: reader.readCount('conntrack-max-per-core'),
    min: reader.readCount('conntrack-min'),
    tcpEstablishedTimeout: reader.readKernelTimeout('conntrack-tcp-timeout-established'),
    tcpCloseWaitTimeout: reader.readKernelTimeout('conntrack-tcp-timeout-close-wait'),
    tcpBeLiberal: reader.readSwitch('conntrack-tcp-be-liberal'),
    udpTimeout: reader.readKernelTimeout('conntrack-udp-timeout'),
    udpStreamTimeout: reader.readKernelTimeout('conntrack-udp-timeout-stream'),
  }
}
