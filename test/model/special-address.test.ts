import t from 'tap'
import { parseIp } from '../../lib/model/address.js'
import { specialAddress } from '../../lib/model/special-address.js'

void t.test('a special address has a kind, an ordinary one has none', t => {
  const table: readonly (readonly [ip: string, kind: string | undefined])[] = [
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['1.0.0.0', undefined],
    ['126.255.255.255', undefined],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.255', 'loopback'],
    ['128.0.0.0', undefined],
    ['169.253.255.255', undefined],
    ['169.254.0.0', 'link-local'],
    ['169.254.169.254', 'link-local'],
    ['169.255.0.0', undefined],
    ['223.255.255.255', undefined],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['240.0.0.1', undefined],
    ['255.255.255.254', undefined],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::2', undefined],
    ['fe80::1', 'link-local'],
    ['febf::1', 'link-local'],
    ['fec0::1', undefined],
    ['ff02::1', 'multicast'],
    ['fd00::1', undefined],
    ['10.0.0.1', undefined],
  ]
  for (const [ip, kind] of table) t.equal(specialAddress(ip), kind, ip)
  t.equal(specialAddress(parseIp('::ffff:127.0.0.1')!), 'loopback', 'loopback hidden in an IPv4-mapped address')
  t.equal(specialAddress(parseIp('::ffff:a9fe:a9fe')!), 'link-local', 'link-local hidden in an IPv4-mapped address')
  t.equal(specialAddress(parseIp('0127.00.00.01')!), 'loopback', 'loopback hidden behind leading zeros')
  t.end()
})
