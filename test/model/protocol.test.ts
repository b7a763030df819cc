import t from 'tap'
import { parseProtocol } from '../../lib/model/protocol.js'

void t.test('a protocol is read in any case, and TCP is the default', t => {
  const table: readonly (readonly [value: unknown, protocol: string | undefined])[] = [
    ['TCP', 'TCP'],
    ['tcp', 'TCP'],
    ['Udp', 'UDP'],
    ['SCTP', 'SCTP'],
    ['', 'TCP'],
    [undefined, 'TCP'],
    [null, 'TCP'],
    ['ICMP', undefined],
    ['TCP ', undefined],
    [6, undefined],
    [['TCP'], undefined],
    ['constructor', undefined],
  ]
  for (const [value, protocol] of table) t.equal(parseProtocol(value), protocol, String(JSON.stringify(value)))
  t.end()
})
