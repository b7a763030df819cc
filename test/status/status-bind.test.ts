import { existsSync, readdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { ManualClock } from '../support/clock/manual-clock.js'
import { type RecordingLog } from '../support/log/recording-log.js'
import { askStatus } from '../support/status/ask-status.js'
import { serveStatus, socketFolder } from '../support/status/served-status.js'

const NAMED = (kind: string) => ({ routes: new Map([['', () => ({ kind })]]) })
const PROBLEM = 'No status socket'

async function untilLogged(log: RecordingLog, text: string): Promise<void> {
  while (!log.has(text)) await log.waitForEntry()
}

t.test('a socket that another process has is tried again until it is free, with one warning', async t => {
  const first = serveStatus(t, NAMED('First'))
  t.equal(await first.server.bound, undefined)
  const clock = new ManualClock()
  const second = serveStatus(t, { path: first.path, clock, ...NAMED('Second') })
  t.match(await second.server.bound, { message: 'another process listens there' })
  for (let count = 0; count < 2; count++) {
    const again = clock.waitForTimer()
    await clock.advance(5000)
    await again
  }
  t.match(await askStatus(first.path, '/v1'), { body: { kind: 'First' } })
  await first.server.close()
  await clock.advance(5000)
  await untilLogged(second.log, 'Serving the status API')
  t.match(await askStatus(first.path, '/v1'), { body: { kind: 'Second' } })
  t.equal(second.log.entriesWith(PROBLEM).length, 1)
  t.strictSame(readdirSync(dirname(first.path)), ['status.sock'], 'attempts leave nothing')
})

t.test('the end of a server leaves the socket of a later one', async t => {
  const first = serveStatus(t, NAMED('First'))
  await first.server.bound
  unlinkSync(first.path)
  const second = serveStatus(t, { path: first.path, ...NAMED('Second') })
  t.equal(await second.server.bound, undefined)
  await first.server.close()
  t.match(await askStatus(first.path, '/v1'), { body: { kind: 'Second' } })
  await second.server.close()
  t.notOk(existsSync(first.path), 'its own end removes it')
})

t.test('after a failed attempt nothing listens and nothing is left', async t => {
  const folder = socketFolder(t)
  writeFileSync(join(folder, 'file'), '')
  const clock = new ManualClock()
  const onFile = serveStatus(t, { path: join(folder, 'file'), clock })
  t.match(await onFile.server.bound, { message: 'a file that is no socket has this path' })
  t.ok(statSync(join(folder, 'file')).isFile())
  t.strictSame(readdirSync(folder), ['file'])
  const long = serveStatus(t, { path: join(folder, 'x'.repeat(108)), clock })
  t.match(await long.server.bound, { message: /longer than the 107 bytes/ })
  t.match(onFile.log.entriesWith(PROBLEM), [{ severity: 'warn', fields: { retrySeconds: 5 } }])
  await onFile.server.close()
  t.equal(clock.pendingTimers, 1, 'a closed server does not try again')
})

t.test('the socket is never open to others, whatever the umask of the process', async t => {
  const before = process.umask(0)
  t.teardown(() => process.umask(before))
  const { path, server } = serveStatus(t, {})
  t.equal(await server.bound, undefined)
  t.equal(statSync(path).mode & 0o777, 0o600)
})
