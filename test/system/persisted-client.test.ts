import t from 'tap'
import { parsePersistedClients } from '../../lib/system/persisted-client.js'

/** As Linux 6.1 and ipvsadm 1.31 print it. */
const OUTPUT = `IPVS connection entries
pro expire state       source             virtual            destination
TCP 01:59  TIME_WAIT   [fd00:9::1]:34280  [fd00:9::1]:80     [fd00:9::1]:8080
TCP 179:59 ASSURED     10.9.0.1:0         10.9.0.1:80        10.9.0.2:8080
UDP 09:05  NONE        10.9.0.1:0         10.9.0.1:53        10.9.0.2:5353
TCP 00:07  TIME_WAIT   10.9.0.1:47474     10.9.0.1:80        10.9.0.2:8080
TCP 179:58 ASSURED     [fd00:9::1]:0      [fd00:9::1]:80     [fd00:9::2]:8080
IP  09:59  NONE        10.9.0.1:0         0.0.0.1:0          10.9.0.2:0
`

t.test('the templates of persistence are read, and the connections are not', t => {
  const kept = parsePersistedClients(OUTPUT).map(
    ({ client, server, real, leftSeconds }) =>
      `${client} to ${server.protocol} ${server.address} ${server.port} keeps ${real.address} ${real.port} for ${leftSeconds} s`,
  )
  t.strictSame(kept, [
    '10.9.0.1 to TCP 10.9.0.1 80 keeps 10.9.0.2 8080 for 10799 s',
    '10.9.0.1 to UDP 10.9.0.1 53 keeps 10.9.0.2 5353 for 545 s',
    'fd00:9::1 to TCP fd00:9::1 80 keeps fd00:9::2 8080 for 10798 s',
  ])
  t.end()
})

t.test('a text without connections has no client', t => {
  t.strictSame(parsePersistedClients(''), [])
  t.strictSame(parsePersistedClients('TCP 179:59 ASSURED     10.9.0.x:0         10.9.0.1:80        10.9.0.2:8080'), [])
  t.end()
})
