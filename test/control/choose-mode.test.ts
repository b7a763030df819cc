import t from 'tap'
import { chooseMode } from '../../lib/control/choose-mode.js'
import { ProxyFailure } from '../../lib/model/failure.js'
import { type Mode } from '../../lib/modes/mode.js'
import { modeByName } from '../../lib/modes/registry.js'
import { RecordingLog } from '../support/log/recording-log.js'

/** A node on which these modes do not work. */
function nodeWithout(reasons: Readonly<Record<string, string>>) {
  const probed: string[] = []
  const probe = ({ name }: Mode) => (probed.push(name), Promise.resolve(reasons[name]))
  return { probed, probe }
}

const modesOf = (...names: readonly string[]): Mode[] => names.map(name => modeByName(name))

t.test(
  'the first mode of the list that works is chosen, and one log line gives the reasons against the others',
  async t => {
    const log = new RecordingLog()
    const node = nodeWithout({ ipvs: 'no "ipvsadm"' })
    t.same(await chooseMode(modesOf('ipvs', 'iptables', 'userspace'), node.probe, log), {
      mode: modeByName('iptables'),
      rejected: [{ mode: 'ipvs', reason: 'no "ipvsadm"' }],
    })
    t.same(node.probed, ['ipvs', 'iptables'], 'the modes after it are not probed')
    t.equal(log.entries.length, 1)
    t.match(log.entries[0], { message: 'Serving Services', fields: { mode: 'iptables', not_ipvs: 'no "ipvsadm"' } })
  },
)

t.test('a single mode is never replaced by another one', async t => {
  const node = nodeWithout({ ipvs: 'no "ipvsadm"' })
  const failure: unknown = await chooseMode(modesOf('ipvs'), node.probe, new RecordingLog()).catch(
    (error: unknown) => error,
  )
  t.ok(failure instanceof ProxyFailure)
  t.match(failure, { code: 'MODE_IMPOSSIBLE', message: 'Cannot serve in mode "ipvs" on this node: ipvs: no "ipvsadm"' })
})

t.test('when no mode works, the failure names all reasons', async t => {
  const node = nodeWithout({ ipvs: 'no "ipvsadm"', iptables: 'no xt_statistic' })
  await t.rejects(chooseMode(modesOf('ipvs', 'iptables'), node.probe, new RecordingLog()), {
    message: 'Cannot serve in mode "ipvs,iptables" on this node: ipvs: no "ipvsadm"; iptables: no xt_statistic',
  })
})

t.test('userspace mode alone is chosen without a probe: its first write of rules reports what is missing', async t => {
  const node = nodeWithout({ userspace: 'no nat table' })
  t.equal((await chooseMode(modesOf('userspace'), node.probe, new RecordingLog())).mode.name, 'userspace')
  t.same(node.probed, [])
  await t.rejects(
    chooseMode(modesOf('userspace', 'ipvs'), nodeWithout({ userspace: 'a', ipvs: 'b' }).probe, new RecordingLog()),
  )
})
