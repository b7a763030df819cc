import { isIP } from 'node:net'
import t from 'tap'
import { familyOf, hostPort, ipBytes, parseIp, unspecifiedAddress } from '../../lib/model/address.js'
import { endpointKey } from '../../lib/model/endpoint.js'
import { failAndEndTest } from '../support/checks/fail-and-end-test.js'
import { randomInt, testSeed, seededRandom } from '../support/checks/seeded-random.js'

void t.test('an IP address is read leniently and gets its canonical form', t => {
  const table: readonly (readonly [text: string, printed: string])[] = [
    ['10.96.0.10', '10.96.0.10'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['010.000.0.09', '10.0.0.9'],
    ['0000000010.0.0.1', '10.0.0.1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    // RFC 5952, section 4: no leading zeros, lower case, the longest run of zeros, the first of equal runs.
    ['2001:0db8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['0:0:1:0:0:1:0:0', '::1:0:0:1:0:0'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['fd00::10.0.0.1', 'fd00::a00:1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::FFFF:0a00:0001', '10.0.0.1'],
    ['0:0:0:0:0:ffff:10.0.0.1', '10.0.0.1'],
    ['::ffff:010.0.0.1', '10.0.0.1'],
    ['::10.0.0.1', '::a00:1'],
    ['::fffe:10.0.0.1', '::fffe:a00:1'],
  ]
  for (const [text, printed] of table) t.equal(parseIp(text), printed, text)
  t.end()
})

void t.test('a text that is not an IP address gives undefined', t => {
  const table: readonly unknown[] = [
    ...['', ' ', '10.0.0', '10.0.0.1.2', '10.0.0.', '.10.0.0', '10..0.1', '256.0.0.1', '10.0.0.999', '-1.0.0.1'],
    ...['1e1.0.0.1', '0x0a.0.0.1', '10.0.0.1/32', ' 10.0.0.1', '10.0.0.1 ', '10.0.0.1\n', '10.0.0.1\0', '１０.0.0.1'],
    ...['167772161', '10.0.0.1:80', '[::1]', ':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9'],
    ...['1:2:3:4:5:6:7:8::', '::1:2:3:4:5:6:7:8', '12345::', 'g::1', '::1%eth0', 'fe80::1%1', ':1::2', '1:', '1:::2'],
    // A dotted address stands for the last 32 bits and nowhere else.
    ...['1.2.3.4::', '::1.2.3.4:5', '1.2.3.4::1', '1:2:3:4:5:6:7:1.2.3.4', '::1.2.3', '::ffff:256.0.0.1'],
    ...['9'.repeat(100_000), ':'.repeat(100_000), '1:'.repeat(50_000), '0.'.repeat(50_000), '10.0.0.00000000001'],
    ...[undefined, null, 10, true, {}, [], ['10.0.0.1'], { toString: () => '10.0.0.1' }],
  ]
  for (const value of table) t.equal(parseIp(value), undefined, String(JSON.stringify(value)).slice(0, 40))
  t.end()
})

const seed = testSeed()

void t.test(`reading addresses agrees with Node, for random text (SEED=${seed})`, t => {
  const random = seededRandom(seed)
  const pieces = ['0', '1', 'ffff', 'a', '10', '255', ':', ':', '::', '.', '256', '0db8', '1.2.3.4']
  let valid = 0
  for (let round = 0; round < 50_000; round++) {
    const count = 1 + randomInt(random, 15)
    const text = Array.from({ length: count }, () => pieces[randomInt(random, pieces.length)]).join('')
    // Node refuses leading zeros in octets, which we read; nothing else may differ.
    if (/(^|[.:])0\d+\./.test(text) || /\.0\d/.test(text)) continue
    const parsed = parseIp(text)
    if ((parsed !== undefined) !== isIP(text) > 0) return failAndEndTest(t, `"${text}" gave ${parsed}`)
    if (parsed === undefined) continue
    valid++
    if (parseIp(parsed) !== parsed) return failAndEndTest(t, `"${text}" gave ${parsed}, which is not in its one form`)
    const expected = new URL(`http://[${text.includes(':') ? text : `::ffff:${text}`}]`).hostname.slice(1, -1)
    const ours = new URL(`http://[${parsed.includes(':') ? parsed : `::ffff:${parsed}`}]`).hostname.slice(1, -1)
    if (ours !== expected) return failAndEndTest(t, `"${text}" gave ${parsed}, another address`)
    if (parsed.includes(':') && parsed !== expected)
      return failAndEndTest(t, `"${text}" gave ${parsed}, not ${expected}`)
  }
  t.ok(valid > 100, 'the random text holds addresses')
  t.end()
})

void t.test('an address has a family, bytes, and a text with a port', t => {
  t.equal(familyOf('10.0.0.1'), 'IPv4')
  t.equal(familyOf('fd00::1'), 'IPv6')
  t.equal(unspecifiedAddress('IPv4'), '0.0.0.0')
  t.equal(unspecifiedAddress('IPv6'), '::')
  t.equal(hostPort('10.0.0.1', 80), '10.0.0.1:80')
  t.equal(hostPort('fd00::1', 80), '[fd00::1]:80')
  t.equal(endpointKey({ ip: 'fd00::1', port: 443 }), '[fd00::1]:443')
  t.same([...ipBytes('10.1.2.255')!], [10, 1, 2, 255])
  t.equal(ipBytes('fd00::1')?.length, 16)
  t.equal(ipBytes('::ffff:10.0.0.1')?.length, 4)
  t.end()
})
