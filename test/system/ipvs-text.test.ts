import t from 'tap'
import { parseIpvsText } from '../../lib/system/ipvs-text.js'

/** Output of ipvsadm 1.31. */
const PRINTED = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  10.96.0.10:80 wrr persistent 77
  -> 10.1.1.2:8080                Masq    0      3          4         
TCP  10.96.0.12:99 sh (sh-port)
FWM  7 rr
  -> 10.1.1.9:0                   Route   1      0          0         
UDP  10.96.0.10:53 lc persistent 600
  -> 10.1.1.1:53                  Masq    1      0          0         
SCTP 10.96.0.10:99 mh (mh-port)
TCP  [fd00::10]:80 rr persistent 300
  -> [fd01::1]:8080               Masq    1      0          0         
`

void t.test('the output of ipvsadm is read', t => {
  t.strictSame(parseIpvsText(PRINTED), [
    {
      protocol: 'TCP',
      address: '10.96.0.10',
      port: 80,
      scheduler: 'wrr',
      flags: '',
      persistenceSeconds: 77,
      realServers: [{ address: '10.1.1.2', port: 8080, weight: 0, connections: 7 }],
    },
    {
      protocol: 'TCP',
      address: '10.96.0.12',
      port: 99,
      scheduler: 'sh',
      flags: 'sh-port',
      persistenceSeconds: 0,
      realServers: [],
    },
    {
      protocol: 'UDP',
      address: '10.96.0.10',
      port: 53,
      scheduler: 'lc',
      flags: '',
      persistenceSeconds: 600,
      realServers: [{ address: '10.1.1.1', port: 53, weight: 1, connections: 0 }],
    },
    {
      protocol: 'SCTP',
      address: '10.96.0.10',
      port: 99,
      scheduler: 'mh',
      flags: 'mh-port',
      persistenceSeconds: 0,
      realServers: [],
    },
    {
      protocol: 'TCP',
      address: 'fd00::10',
      port: 80,
      scheduler: 'rr',
      flags: '',
      persistenceSeconds: 300,
      realServers: [{ address: 'fd01::1', port: 8080, weight: 1, connections: 0 }],
    },
  ])
  t.strictSame(parseIpvsText(''), [])
  t.end()
})
