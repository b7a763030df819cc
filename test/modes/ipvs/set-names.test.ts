import t from 'tap'
import { SET_NAMES, type SetName } from '../../../lib/modes/ipvs/set-names.js'

/** What lets packets in, or is an exception, and the set whose packets are refused or changed without it. */
const PAIRS: readonly (readonly [first: SetName, then: SetName])[] = [
  ['KUBE-IPVS-SERVERS', 'KUBE-IPVS-IPS'],
  ['KUBE-LOAD-BALANCER-SOURCE-IP', 'KUBE-LOAD-BALANCER-FW'],
  ['KUBE-LOAD-BALANCER-SOURCE-CIDR', 'KUBE-LOAD-BALANCER-FW'],
  ['KUBE-LOAD-BALANCER-LOCAL', 'KUBE-LOAD-BALANCER'],
  ['KUBE-NODE-PORT-LOCAL-TCP', 'KUBE-NODE-PORT-TCP'],
  ['KUBE-NODE-PORT-LOCAL-UDP', 'KUBE-NODE-PORT-UDP'],
  ['KUBE-NODE-PORT-LOCAL-SCTP-HASH', 'KUBE-NODE-PORT-SCTP-HASH'],
]

t.test('entries that let packets in come before those that refuse the others', t => {
  for (const [first, then] of PAIRS) t.ok(SET_NAMES.indexOf(first) < SET_NAMES.indexOf(then), `${first} before ${then}`)
  t.end()
})
