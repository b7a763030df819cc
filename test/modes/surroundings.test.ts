import t from 'tap'
import { parseCidr } from '../../lib/model/cidr.js'
import { includesLoopback, nodePortAddresses } from '../../lib/modes/userspace/surroundings.js'

const ranges = (...texts: readonly string[]) => texts.map(text => parseCidr(text)!)
const OWN = ['192.168.50.1', '10.0.0.5']

t.test('node ports are served at the addresses in the ranges of their family', t => {
  for (const [name, wanted, expected] of [
    ['primary: the main address', 'primary', ['192.168.50.1']],
    ['a range', ranges('10.0.0.0/8'), ['10.0.0.5']],
    ['two ranges', ranges('10.0.0.0/8', '192.168.50.0/24'), OWN],
    ['a range that nothing is in: nowhere', ranges('172.16.0.0/12'), []],
    ['ranges of the other family only: everywhere', ranges('fd00::/8'), undefined],
    ['a range of everything: everywhere, also addresses that come later', ranges('10.0.0.0/8', '0.0.0.0/0'), undefined],
  ] as const) {
    t.strictSame(nodePortAddresses(wanted, 'IPv4', OWN, '192.168.50.1'), expected, name)
  }
  t.strictSame(nodePortAddresses('primary', 'IPv6', [], undefined), [], 'no main address of the family: nowhere')
  t.end()
})

t.test('node ports answer on loopback unless they are kept to other addresses', t => {
  for (const [name, wanted, expected] of [
    ['nothing said', undefined, true],
    ['primary', 'primary', false],
    ['a range without loopback', ranges('192.168.0.0/16'), false],
    ['a range in loopback', ranges('127.0.0.0/8'), true],
    ['everything', ranges('0.0.0.0/0'), true],
    ['ranges of the other family only', ranges('fd00::/8'), true],
  ] as const) {
    t.equal(includesLoopback(wanted, 'IPv4'), expected, name)
  }
  t.end()
})
