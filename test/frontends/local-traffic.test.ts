import t from 'tap'
import { parseNodePortAddress } from '../../lib/config/read-addresses.js'
import { includesLoopback, resolveNodePortAddresses } from '../../lib/frontends/local-traffic.js'

const PRIMARY = '192.168.50.1'
const NODE = [PRIMARY, '192.0.2.7', '10.0.0.1']
const configure = (...words: readonly string[]) => words.flatMap(word => parseNodePortAddress(word)!)

t.test('the addresses that serve node ports: those in a range, the primary one, and all', t => {
  const expected: readonly [readonly string[], readonly string[] | undefined][] = [
    [['primary'], [PRIMARY]],
    [
      ['primary', '192.0.2.0/24'],
      [PRIMARY, '192.0.2.7'],
    ],
    [['192.168.50.0/24', 'primary'], [PRIMARY]],
    [
      ['10.0.0.0/8', '192.0.2.0/24'],
      ['192.0.2.7', '10.0.0.1'],
    ],
    [['localhost'], []],
    [['primary', 'localhost'], [PRIMARY]],
    [['all'], undefined],
    [['primary', 'all'], undefined],
    [['0.0.0.0/0', '127.0.0.1/32'], undefined],
    [['fd00::/8'], undefined],
  ]
  for (const [words, addresses] of expected)
    t.strictSame(resolveNodePortAddresses(configure(...words), 'IPv4', NODE, PRIMARY), addresses, words.join())
  t.strictSame(resolveNodePortAddresses(configure('primary'), 'IPv4', NODE, undefined), [], 'before the node has one')
  t.end()
})

t.test('loopback serves node ports if nothing is configured, or if a range has it', t => {
  const expected: readonly [readonly string[], boolean][] = [
    [['primary'], false],
    [['primary', '192.0.2.0/24'], false],
    [['primary', 'localhost'], true],
    [['localhost'], true],
    [['all'], true],
    [['127.0.0.1/32'], true],
    [['192.0.2.0/24'], false],
    [['fd00::/8'], true],
  ]
  for (const [words, answer] of expected) t.equal(includesLoopback(configure(...words), 'IPv4'), answer, words.join())
  t.equal(includesLoopback(undefined, 'IPv6'), true)
  t.equal(includesLoopback(configure('primary', 'localhost'), 'IPv6'), true)
  t.end()
})
