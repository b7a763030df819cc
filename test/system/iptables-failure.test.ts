import t from 'tap'
import { iptablesFailure, isDeniedSet } from '../../lib/system/iptables-failure.js'

t.test('a program that may not open its raw socket for sets lacks a permission', t => {
  const failure = iptablesFailure(
    'iptables-nft-restore',
    "iptables-nft-restore v1.8.9 (nf_tables): Can't open socket to ipset.\n",
    '',
  )
  t.equal(failure.code, 'IPTABLES_FORBIDDEN')
  t.match(failure.message, /Can't open socket to ipset\. \(rules that match sets need the capability NET_RAW\)$/)
  t.equal(isDeniedSet(failure), true)
  t.notMatch(iptablesFailure('iptables-legacy-restore', 'you must be root', '').message, /NET_RAW/)
  t.end()
})
