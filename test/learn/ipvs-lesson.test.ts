import { writeFileSync } from 'node:fs'
import t from 'tap'
import { IPVS_RECORD } from '../../lib/learn/ipvs-record.js'
import { ipvsMode } from '../../lib/learn/lessons/ipvs-mode.js'
import { type LabRecord } from '../../lib/learn/recorded-lab.js'
import { runLesson } from '../../lib/learn/run-lesson.js'
import { startLab } from '../support/ask/start-lab.js'
import { DemoPageProcess } from '../support/demo/demo-page-process.js'
import { SILENT_LISTENER } from '../support/learn/silent-listener.js'
import { recordingLab } from '../support/learn/recording-lab.js'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'

const RECORD_FILE = 'lib/learn/ipvs-record.ts'

void t.test(
  'the lesson about ipvs mode shows what it explains, with the commands of its record',
  { skip: ipvsUnavailable, timeout: 120_000 * TIMEOUT_FACTOR },
  async t => {
    const { lab } = await startLab(t, 'learn')
    const check = await lab.check('ipvs')
    t.equal(check.exitCode, 0, check.output)
    const recording = recordingLab(lab)
    const results = await runLesson(ipvsMode, recording.lab, SILENT_LISTENER)
    t.equal(results.length, ipvsMode.steps.length)
    for (const result of results) t.ok(result.holds, JSON.stringify(result))
    const record = recording.record()
    if (process.env['WRITE_DOCS'] !== undefined) writeFileSync(RECORD_FILE, textOf(record))
    else t.strictSame(commandsOf(record), commandsOf(IPVS_RECORD), `WRITE_DOCS=1 writes ${RECORD_FILE}`)
  },
)

void t.test(
  'the page of the demo runs the lesson about ipvs mode here, and shows no record of it',
  { skip: ipvsUnavailable, timeout: 120_000 * TIMEOUT_FACTOR },
  async t => {
    const demo = await DemoPageProcess.start(t)
    const lines = await demo.takeLesson(ipvsMode.number)
    const results = lines.flatMap(line => (line.kind === 'result' ? line.holds : []))
    t.strictSame(
      results,
      ipvsMode.steps.map(() => true),
      JSON.stringify(lines),
    )
    t.notOk(lines.some(({ kind }) => kind === 'recorded'))
    t.match(await demo.document(), { mode: 'userspace', running: null, lesson: null }, 'the cluster is as it was')
  },
)

/** Commands without repetitions: the kernel may need several looks until it has counted. */
function commandsOf({ calls }: LabRecord): readonly string[] {
  return calls.map(({ command }) => command).filter((command, index, all) => command !== all[index - 1])
}

function textOf(record: LabRecord): string {
  return [
    "import { type LabRecord } from './recorded-lab.js'\n",
    '/** The lesson about ipvs mode, as it ran. test/learn/ipvs-lesson.test.ts writes it. */',
    `export const IPVS_RECORD: LabRecord = ${JSON.stringify(record, undefined, 2)}\n`,
  ].join('\n')
}
