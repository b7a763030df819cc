import t from 'tap'
import { parseNodePortAddress } from '../../lib/config/read-addresses.js'

t.test('an entry is a range or a word for ranges', t => {
  t.strictSame(parseNodePortAddress('10.0.0.0/8'), [{ family: 'IPv4', network: '10.0.0.0', bits: 8 }])
  t.strictSame(parseNodePortAddress('primary'), ['primary'])
  t.strictSame(parseNodePortAddress('localhost'), [
    { family: 'IPv4', network: '127.0.0.0', bits: 8 },
    { family: 'IPv6', network: '::1', bits: 128 },
  ])
  t.strictSame(parseNodePortAddress('all'), [
    { family: 'IPv4', network: '0.0.0.0', bits: 0 },
    { family: 'IPv6', network: '::', bits: 0 },
  ])
  for (const text of ['', '10.0.0.1', 'Primary', 'loopback', 'all '])
    t.equal(parseNodePortAddress(text), undefined, text)
  t.end()
})
