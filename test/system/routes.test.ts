import t from 'tap'
import { parseKernelTicks, parseRecentList } from '../../lib/system/recent-lists.js'
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

t.test('the age of an entry of a recent list follows from the ticks of the kernel', t => {
  const list = parseRecentList(
    'src=10.244.0.2 ttl: 64 last_seen: 4296081984 oldest_pkt: 1 4296081984\nsrc=fd00:0244:0000:0000:0000:0000:0000:0002 ttl: 64 last_seen: 7 oldest_pkt: 1 7\n',
  )
  t.same(
    [...list],
    [
      ['10.244.0.2', 4_296_081_984],
      ['fd00:244::2', 7],
    ],
  )
  const ticks = parseKernelTicks('now at 4760013962340 nsecs\n\ncpu: 0\n  .last_jiffies   : 4296082234\n')
  t.same(ticks, { now: 4_296_082_234, perSecond: 250 })
  t.equal((ticks!.now - list.get('10.244.0.2')!) / ticks!.perSecond, 1)
  t.equal(parseKernelTicks('nothing'), undefined)
  t.end()
})
