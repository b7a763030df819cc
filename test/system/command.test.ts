import t from 'tap'
import { runCommand } from '../../lib/system/command.js'
import { failStarts } from '../support/processes/fail-starts.js'

void t.test('any exit code is a result, with the output of the program', async t => {
  const result = await runCommand('sh', ['-c', 'cat; echo problem >&2; exit 3'], { input: 'text', timeoutMs: 10_000 })
  t.same(result, { exitCode: 3, stdout: 'text', stderr: 'problem\n' })
})

void t.test('a missing program is a failure, with a hint when its package is known', async t => {
  const failure = {
    code: 'PROGRAM_MISSING',
    message: 'Cannot run "no-such-program": there is no such program in PATH',
  }
  await t.rejects(runCommand('no-such-program', [], { timeoutMs: 10_000 }), { ...failure, hint: undefined })
  await t.rejects(runCommand('no-such-program', [], { timeoutMs: 10_000, packageName: 'tools' }), {
    ...failure,
    hint: 'Install the package "tools" (Debian, Ubuntu: apt-get install tools)',
  })
})

void t.test('a program that takes too long is killed, and the failure has the timeout', async t => {
  await t.rejects(runCommand('sleep', ['60'], { timeoutMs: 200 }), {
    code: 'PROGRAM_FAILED',
    message: '"sleep 60" was killed by SIGKILL: it did not end within 200 ms',
  })
})

void t.test('a program that another one kills is a failure without a timeout', async t => {
  await t.rejects(runCommand('sh', ['-c', 'kill -KILL $$'], { timeoutMs: 10_000 }), {
    code: 'PROGRAM_FAILED',
    message: /was killed by SIGKILL$/,
  })
})

void t.test('a program that the system does not start is a failure with the reason', async t => {
  failStarts(t)
  await t.rejects(runCommand('true', [], { timeoutMs: 10_000 }), {
    code: 'PROGRAM_FAILED',
    message: 'Cannot start "true": spawn E2BIG',
    cause: { code: 'E2BIG' },
  })
})
