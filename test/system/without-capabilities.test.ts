import t from 'tap'
import { optionsWithoutCapabilities, parseCapabilities } from '../../lib/system/without-capabilities.js'

const NET_ADMIN = 1n << 12n
const SETPCAP = 1n << 8n

t.test('the options of setpriv follow from what the process may do', t => {
  const options = ['--no-new-privs', '--inh-caps=-all', '--ambient-caps=-all']
  for (const [isRoot, capabilities, expected] of [
    [true, NET_ADMIN | SETPCAP, [...options, '--bounding-set=-all']],
    [true, NET_ADMIN, 'impossible'],
    [false, NET_ADMIN, options],
    [false, NET_ADMIN | SETPCAP, options],
    [true, 0n, 'needless'],
    [false, 0n, 'needless'],
  ] as const)
    t.same(optionsWithoutCapabilities({ isRoot, capabilities }), expected, `${isRoot} ${capabilities}`)
  t.end()
})

t.test('the kernel writes a set of capabilities in hexadecimal digits', t => {
  t.equal(parseCapabilities('CapPrm:\t0000000000000001\nCapEff:\t000001ffffffffff\nCapBnd:\t0\n'), (1n << 41n) - 1n)
  t.equal(parseCapabilities('CapEff:\t0000000000001000\n'), NET_ADMIN)
  t.equal(parseCapabilities('CapPrm:\t0000000000001000\n'), undefined)
  t.equal(parseCapabilities('CapEff:\tnone\n'), undefined)
  t.end()
})
