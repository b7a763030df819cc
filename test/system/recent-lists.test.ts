import t from 'tap'
import { parseKernelTicks, parseRecentList } from '../../lib/system/recent-lists.js'

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
