import t from 'tap'
import { listenAddressesOverlap, parseListenAddress } from '../../lib/observe/listen-address.js'

t.test('the unspecified address of either family means all addresses', t => {
  t.strictSame(['0.0.0.0:80', '[::]:80', '[::1]:80', '10.0.0.1:80'].map(parseListenAddress), [
    { port: 80 },
    { port: 80 },
    { port: 80, host: '::1' },
    { port: 80, host: '10.0.0.1' },
  ])
  t.end()
})

t.test('addresses overlap if they have a port in common, and an address', t => {
  for (const [one, other, expected] of [
    ['10.0.0.1:80', '10.0.0.1:80', true],
    ['10.0.0.1:80', '10.0.0.2:80', false],
    ['10.0.0.1:80', '10.0.0.1:81', false],
    ['10.0.0.1:80', '0.0.0.0:80', true],
    ['10.0.0.1:80', '[::]:80', true],
    ['0.0.0.0:80', '[::]:80', true],
    ['0.0.0.0:80', '[::]:81', false],
    ['[::1]:80', '127.0.0.1:80', false],
    ['', '0.0.0.0:80', false],
    ['', '', false],
  ] as const) {
    t.equal(listenAddressesOverlap(one, other), expected, `${one} ${other}`)
    t.equal(listenAddressesOverlap(other, one), expected, `${other} ${one}`)
  }
  t.end()
})
