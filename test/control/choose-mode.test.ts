import t from 'tap'
import { chooseMode } from '../../lib/control/choose-mode.js'
import { ProxyFailure } from '../../lib/model/failure.js'
import { type ProxyMode } from '../../lib/model/proxy-mode.js'
import { RecordingLog } from '../support/log/recording-log.js'

/** A node on which these modes cannot be had. */
function nodeWithout(reasons: Partial<Record<ProxyMode, string>>) {
  const probed: ProxyMode[] = []
  return { probed, whyNot: (mode: ProxyMode) => (probed.push(mode), Promise.resolve(reasons[mode])) }
}

t.test('the first mode of the list that the node can do is taken, and one line says why not the others', async t => {
  const log = new RecordingLog()
  const node = nodeWithout({ ipvs: 'no "ipvsadm"' })
  t.same(await chooseMode(['ipvs', 'iptables', 'userspace'], node.whyNot, log), {
    mode: 'iptables',
    rejected: [{ mode: 'ipvs', reason: 'no "ipvsadm"' }],
  })
  t.same(node.probed, ['ipvs', 'iptables'], 'nobody asks for what comes after it')
  t.equal(log.entries.length, 1)
  t.match(log.entries[0], { message: 'Serving Services', fields: { mode: 'iptables', not_ipvs: 'no "ipvsadm"' } })
})

t.test('a mode that stands alone is never replaced by another', async t => {
  const node = nodeWithout({ ipvs: 'no "ipvsadm"' })
  const failure: unknown = await chooseMode(['ipvs'], node.whyNot, new RecordingLog()).catch((error: unknown) => error)
  t.ok(failure instanceof ProxyFailure)
  t.match(failure, { code: 'MODE_IMPOSSIBLE', message: 'Cannot serve in mode "ipvs" on this node: ipvs: no "ipvsadm"' })
})

t.test('when none can be had, all reasons are told', async t => {
  const node = nodeWithout({ ipvs: 'no "ipvsadm"', iptables: 'no xt_statistic' })
  await t.rejects(chooseMode(['ipvs', 'iptables'], node.whyNot, new RecordingLog()), {
    message: 'Cannot serve in mode "ipvs,iptables" on this node: ipvs: no "ipvsadm"; iptables: no xt_statistic',
  })
})
