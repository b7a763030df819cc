import { isIP } from 'node:net'
import t from 'tap'
import { familyOf, hostPort, ipBytes, parseIp, unspecifiedAddress } from '../../lib/model/address.js'
import { cidrContains, parseCidr } from '../../lib/model/cidr.js'
import { endpointKey } from '../../lib/model/endpoint.js'
import { ProxyFailure, messageOf, systemCode } from '../../lib/model/failure.js'
import { objectKey } from '../../lib/model/objects.js'
import { parsePortRange } from '../../lib/model/port-range.js'
import { parseProtocol } from '../../lib/model/protocol.js'
import { servicePortKey, servicePortName } from '../../lib/model/service-port.js'
import { specialAddress } from '../../lib/model/special-address.js'
import { failAndEndTest } from '../support/checks/fail-and-end-test.js'
import { randomInt, testSeed, seededRandom } from '../support/checks/seeded-random.js'

void t.test('An IP address is read leniently and printed in one form', t => {
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

void t.test('What is not an IP address is refused', t => {
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

void t.test(`Reading and printing addresses agrees with Node on random text (SEED=${seed})`, t => {
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

void t.test('An address knows its family, its bytes and its text with a port', t => {
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

void t.test('A range of addresses is read, with the bits outside of it left out', t => {
  const table: readonly (readonly [text: string, network: string, bits: number])[] = [
    ['10.244.0.0/16', '10.244.0.0', 16],
    ['10.244.3.7/16', '10.244.0.0', 16],
    ['10.0.0.255/25', '10.0.0.128', 25],
    ['0.0.0.0/0', '0.0.0.0', 0],
    ['10.0.0.1/32', '10.0.0.1', 32],
    ['fd00:1:2::3/48', 'fd00:1:2::', 48],
    ['fd00::ffff/113', 'fd00::8000', 113],
    ['::/0', '::', 0],
    ['::1/128', '::1', 128],
  ]
  for (const [text, network, bits] of table) {
    t.same(parseCidr(text), { family: familyOf(network), network, bits }, text)
  }
  for (const text of [
    ...['', '/', '10.0.0.0', '10.0.0.0/', '/8', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/8/8', '10.0.0.0/ 8', '10.0/8'],
    ...['fd00::/129', '10.0.0.0/255.0.0.0', '10.0.0.0/8 ', '10.0.0.0/1e1', 'fd00::1%eth0/64', '10.0.0.0/9999'],
    // The bits count from the start of an IPv6 address here: 24 of them are all zeros.
    ...['::ffff:10.0.0.0/24', '::ffff:10.0.0.0/104'],
  ])
    t.equal(parseCidr(text), undefined, `"${text}" is refused`)
  t.end()
})

void t.test('A range contains its addresses and no others, and none of the other family', t => {
  const table: readonly (readonly [cidr: string, inside: readonly string[], outside: readonly string[]])[] = [
    ['10.244.0.0/16', ['10.244.0.0', '10.244.255.255'], ['10.243.255.255', '10.245.0.0', 'fd00::1']],
    ['10.0.0.128/25', ['10.0.0.128', '10.0.0.255'], ['10.0.0.127', '10.0.1.128']],
    ['192.0.2.1/32', ['192.0.2.1'], ['192.0.2.0', '192.0.2.2']],
    ['0.0.0.0/0', ['0.0.0.0', '255.255.255.255'], ['::', '::1']],
    ['fe80::/10', ['fe80::1', 'febf:ffff::'], ['fec0::', 'fe7f::', '254.128.0.1']],
    ['::/0', ['::1', 'ffff::'], ['10.0.0.1', '0.0.0.0']],
    ['10.0.0.0/8', [], ['', 'nonsense', '10.0.0']],
  ]
  for (const [text, inside, outside] of table) {
    const cidr = parseCidr(text)!
    for (const ip of inside) t.ok(cidrContains(cidr, ip), `${text} contains ${ip}`)
    for (const ip of outside) t.notOk(cidrContains(cidr, ip), `${text} does not contain ${ip}`)
  }
  t.end()
})

void t.test('Addresses that may not be endpoints are named', t => {
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

void t.test('A port range is read in every notation of kube-proxy', t => {
  const table: readonly (readonly [text: string, range: unknown])[] = [
    ['', undefined],
    ['  ', undefined],
    ['0', undefined],
    ['0-0', undefined],
    ['0+0', undefined],
    ['40000', { first: 40000, last: 40000 }],
    ['40000-40010', { first: 40000, last: 40010 }],
    ['40000-40000', { first: 40000, last: 40000 }],
    ['40000+10', { first: 40000, last: 40010 }],
    ['40000+0', { first: 40000, last: 40000 }],
    [' 40000-40010 ', { first: 40000, last: 40010 }],
    ['1-65535', { first: 1, last: 65535 }],
    ['40010-40000', 'the range ends at 40000, below its start 40010'],
    ['1-65536', 'the range ends at 65536, above 65535'],
    ['70000', 'the range ends at 70000, above 65535'],
    ['65535+1', 'the range ends at 65536, above 65535'],
    ['0-100', 'the range starts at 0, which is not a port'],
    ['0+5', 'the range starts at 0, which is not a port'],
    ['abc', 'expected "N", "A-B" or "A+offset"'],
    ['-5', 'expected "N", "A-B" or "A+offset"'],
    ['5-', 'expected "N", "A-B" or "A+offset"'],
    ['1-2-3', 'expected "N", "A-B" or "A+offset"'],
    ['1 - 2', 'expected "N", "A-B" or "A+offset"'],
    ['1.5-2', 'expected "N", "A-B" or "A+offset"'],
    ['1--2', 'expected "N", "A-B" or "A+offset"'],
  ]
  for (const [text, range] of table) t.same(parsePortRange(text), range, `"${text}"`)
  t.end()
})

void t.test('A protocol is read in any case, and TCP is the default', t => {
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

void t.test('Keys tell apart what differs in family, name, port name or protocol', t => {
  const port = { family: 'IPv4', namespace: 'default', name: 'web', portName: 'http', protocol: 'TCP' } as const
  const others = [
    port,
    { ...port, family: 'IPv6' as const },
    { ...port, namespace: 'other' },
    { ...port, name: 'web2' },
    { ...port, portName: '' },
    { ...port, protocol: 'UDP' as const },
  ]
  t.equal(new Set(others.map(servicePortKey)).size, others.length)
  t.equal(servicePortName(port), 'default/web:http')
  t.equal(servicePortName({ ...port, portName: '' }), 'default/web')
  t.equal(objectKey(port), 'default/web')
  t.end()
})

void t.test('A failure keeps its code, hint and cause, and its message holds what was underneath', t => {
  const system = Object.assign(new Error('listen EADDRINUSE: 10.0.0.1:80'), { code: 'EADDRINUSE' })
  const failure = new ProxyFailure('PROXY_PORT_UNAVAILABLE', 'Cannot listen', { cause: system, hint: 'Free the port' })
  t.equal(failure.code, 'PROXY_PORT_UNAVAILABLE')
  t.equal(failure.hint, 'Free the port')
  t.equal(failure.name, 'ProxyFailure')
  t.equal(messageOf(failure), 'Cannot listen: listen EADDRINUSE: 10.0.0.1:80')
  t.equal(messageOf(new Error('outer', { cause: failure })), 'outer: Cannot listen: listen EADDRINUSE: 10.0.0.1:80')
  t.equal(messageOf(new Error('read: ENOENT', { cause: new Error('ENOENT') })), 'read: ENOENT', 'nothing is said twice')
  t.equal(messageOf('just text'), 'just text')
  t.equal(messageOf(undefined), 'undefined')
  t.equal(messageOf(new Error('')), 'Error', 'never nothing at all')
  t.equal(messageOf(new AggregateError([new Error('a'), new Error('b')], 'all failed')), 'a, b')
  t.equal(messageOf(new AggregateError([], 'all failed')), 'all failed')
  const round = new Error('round')
  round.cause = round
  t.equal(messageOf(round), 'round', 'an error that is its own cause')
  t.notOk('cause' in new ProxyFailure('CONFIG_INVALID', 'x'), 'no cause is no field')
  t.equal(systemCode(system), 'EADDRINUSE')
  t.equal(systemCode(Object.assign(new Error(), { code: 7 })), undefined)
  t.equal(systemCode('EADDRINUSE'), undefined)
  t.end()
})
