import t from 'tap'
import { familyOf } from '../../lib/model/address.js'
import { cidrContains, parseCidr } from '../../lib/model/cidr.js'

void t.test('a CIDR is read, and its host bits are cleared', t => {
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

void t.test('a CIDR contains its addresses only, and none of the other family', t => {
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
