import t from 'tap'
import { IPVS_RECORD } from '../../lib/learn/ipvs-record.js'
import { ipvsMode } from '../../lib/learn/lessons/ipvs-mode.js'
import { userspaceMode } from '../../lib/learn/lessons/userspace-mode.js'
import { recordedLab } from '../../lib/learn/recorded-lab.js'
import { runLesson } from '../../lib/learn/run-lesson.js'
import { SILENT_LISTENER } from '../support/learn/silent-listener.js'

t.test(
  'the record of the lesson about ipvs mode is one of the lesson as it is now, and shows what it explains',
  async t => {
    const results = await runLesson(ipvsMode, recordedLab(IPVS_RECORD), SILENT_LISTENER)
    t.equal(results.length, ipvsMode.steps.length)
    for (const { holds, why } of results) t.ok(holds, why.en)
  },
)

t.test('a record of another lesson, or of fewer commands, is an error', async t => {
  await t.rejects(runLesson(userspaceMode, recordedLab(IPVS_RECORD), SILENT_LISTENER), /no programs that go on running/)
  const [step] = ipvsMode.steps
  const other = { ...ipvsMode, steps: [{ ...step!, command: () => ({ where: 'node', line: 'ip route' }) as const }] }
  await t.rejects(
    runLesson(other, recordedLab(IPVS_RECORD), SILENT_LISTENER),
    /The record has "ip .*", .* runs "ip route"/,
  )
  const short = { ...IPVS_RECORD, calls: IPVS_RECORD.calls.slice(0, 2) }
  await t.rejects(runLesson(ipvsMode, recordedLab(short), SILENT_LISTENER), /The record has "undefined"/)
})
