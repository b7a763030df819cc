import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ProgramLog } from '../../lib/demo/program-log.js'

const PROGRAM = fileURLToPath(new URL('../support/processes/turn-watch-entry.js', import.meta.url))

t.test('a process that turns lives; one that works without end is killed, and says why', async t => {
  const child = fork(PROGRAM, { silent: true })
  t.teardown(() => child.kill('SIGKILL'))
  const log = new ProgramLog(child, child.stderr!, 60_000)
  t.equal((await once(child, 'message'))[0], 'turning')
  const exited = once(child, 'exit')
  child.send('work without end')
  await log.waitFor(/"Killing the control process" .*code="CONTROL_SILENT"/)
  t.strictSame(await exited, [null, 'SIGKILL'])
})
