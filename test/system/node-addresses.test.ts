import t from 'tap'
import { parseDefaultInterface } from '../../lib/system/node-addresses.js'
import { readCorpus } from '../support/checks/corpus.js'

const [IPV6, IPV4] = readCorpus('default-route') as [string, string]

t.test('the interface of the default route is read from the routes of the kernel', t => {
  t.equal(parseDefaultInterface(IPV4, 'IPv4'), 'eth0')
  t.equal(parseDefaultInterface(IPV6, 'IPv6'), 'eth0')
  t.end()
})

t.test('without a default route there is no such interface', t => {
  const without = (text: string): string => text.replace(/^.*(eth0\t00000000\t|00000003 {5}eth0).*$/gm, '')
  t.equal(parseDefaultInterface(without(IPV4), 'IPv4'), undefined)
  t.equal(
    parseDefaultInterface(without(IPV6), 'IPv6'),
    undefined,
    'not even lo, where the kernel has an "unreachable" one',
  )
  t.equal(parseDefaultInterface('', 'IPv4'), undefined)
  t.end()
})
