import { MODES } from '../../lib/modes/registry.js'
import t from 'tap'
import { type FlagValues } from '../../lib/config/flag-settings.js'
import { readConfig } from '../../lib/config/read-config.js'

void t.test('flags of iptables and ipvs mode give their settings', t => {
  const read = (values: FlagValues) => {
    const { config, problems } = readConfig(values, 'node-a', MODES)
    t.same(problems, [])
    return config.kernelModes
  }
  t.match(read({}), { masqueradeAll: false, masqueradeMark: 0x4000, ipvs: { scheduler: 'rr', excludeCIDRs: [] } })
  t.equal(read({ 'iptables-masquerade-bit': '0' }).masqueradeMark, 1)
  t.equal(read({ 'iptables-masquerade-bit': '31' }).masqueradeMark, 0x8000_0000)
  const { masqueradeAll, ipvs } = read({
    'masquerade-all': true,
    'ipvs-scheduler': 'wlc',
    'ipvs-exclude-cidrs': ['192.168.0.0/16,10.0.0.0/8', 'fd00::/8'],
    'ipvs-strict-arp': true,
    'ipvs-sync-period': '1m',
    'ipvs-min-sync-period': '2s',
    'ipvs-tcp-timeout': '15m',
    'ipvs-tcpfin-timeout': '2m',
    'ipvs-udp-timeout': '5m',
  })
  t.equal(masqueradeAll, true)
  t.equal(ipvs.excludeCIDRs.length, 3)
  t.match(ipvs, { scheduler: 'wlc', strictARP: true, syncPeriod: 60_000, minSyncPeriod: 2000 })
  t.match(ipvs, { tcpTimeout: 900_000, tcpFinTimeout: 120_000, udpTimeout: 300_000 })
  t.end()
})
