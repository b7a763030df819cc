import t from 'tap'
import { parseRoutes } from '../../lib/system/routes.js'
import { parseCidr } from '../../lib/model/cidr.js'

t.test('routes are read with their interface and source; what leads nowhere is left out', t => {
  const text = [
    'default via 192.168.50.254 dev eth0 proto dhcp src 192.168.50.1 metric 100',
    '10.244.0.0/24 dev cni0 proto kernel scope link src 10.244.0.1',
    '10.244.9.2 dev cali1 scope link',
    'blackhole 10.244.0.64/26 proto bird',
    'garbage',
    '',
  ].join('\n')
  t.same(parseRoutes(text, 'IPv4'), [
    { range: parseCidr('0.0.0.0/0'), interfaceName: 'eth0', source: '192.168.50.1' },
    { range: parseCidr('10.244.0.0/24'), interfaceName: 'cni0', source: '10.244.0.1' },
    { range: parseCidr('10.244.9.2/32'), interfaceName: 'cali1', source: undefined },
  ])
  t.same(parseRoutes('default via fd00::1 dev eth0 metric 1024 pref medium', 'IPv6'), [
    { range: parseCidr('::/0'), interfaceName: 'eth0', source: undefined },
  ])
  t.end()
})
