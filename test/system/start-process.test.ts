import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { startProcess } from '../../lib/system/start-process.js'
import { failStarts } from '../support/processes/fail-starts.js'

/** Starts a program that the test expects not to start. */
async function failToStart(program: string): Promise<NodeJS.ErrnoException> {
  let calls = 0
  const failure = await new Promise<Error>(resolve => {
    const child = startProcess(
      () => spawn(program, ['1'], { stdio: 'pipe' }),
      error => {
        calls++
        resolve(error)
      },
    )
    t.equal(child, undefined)
    t.equal(calls, 0, 'the failure comes later')
  })
  await new Promise(resolve => setImmediate(resolve))
  t.equal(calls, 1)
  return failure
}

t.test('a process that cannot start is one failure, whether Node.js throws or emits an event', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'start-process-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  t.match(await failToStart(join(folder, 'missing')), { code: 'ENOENT' })
  t.match(await failToStart(folder), { code: 'EACCES' })
  t.match(await failToStart(join(process.execPath, 'not-a-folder')), { code: 'ENOTDIR' })
  const allowStarts = failStarts(t)
  t.match(await failToStart('true'), { code: 'E2BIG' })
  allowStarts()
})

t.test('a process that starts is returned, and a later error of it is no failure to start', async t => {
  const child = startProcess(
    () => spawn('true', { stdio: 'ignore' }),
    error => t.fail(String(error)),
  )
  child!.emit('error', new Error('a message could not be sent'))
  t.strictSame(await once(child!, 'exit'), [0, null])
})
