import { ProgramLog } from '../../lib/demo/program-log.js'
import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { FailoverProcess } from '../../lib/failover/failover-process.js'
import { jsonLine } from '../../lib/observe/log-record.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { RecordingLog } from '../support/log/recording-log.js'
import { failStarts } from '../support/processes/fail-starts.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { childrenOf } from '../support/processes/children-of.js'

const PROGRAM = fileURLToPath(new URL('../support/processes/failover-entry.js', import.meta.url))

/** A program with a failover process of two steps; each step writes its input to a file of the folder. */
async function startProgram(t: Test, TMPDIR?: string, clock: 'real' | 'manual' = 'real', format = 'text') {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-failover-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const child = fork(PROGRAM, [folder, clock, format], {
    env: { ...process.env, TMPDIR: TMPDIR ?? folder },
    silent: true,
  })
  const log = new ProgramLog(child, child.stderr!, 60_000)
  t.teardown(() => child.kill('SIGKILL'))
  await once(child, 'message')
  const send = async (command: string) => {
    child.send(command)
    await once(child, 'message')
  }
  const failoverFolders = () => readdirSync(folder).filter(name => name.startsWith('kube-proxy-guard-'))
  return { folder, child, log, send, failoverFolders, read: (name: string) => readFileSync(join(folder, name), 'utf8') }
}

/** Resolves when the failover process has run its script and has removed its folder. */
async function waitUntilRemoved(folder: string, failoverFolder: string): Promise<void> {
  const watcher = watch(folder)
  while (existsSync(join(folder, failoverFolder))) await once(watcher, 'change')
  watcher.close()
}

t.test('after its program was killed, the failover process runs the last script', async t => {
  const { folder, child, send, failoverFolders, read } = await startProgram(t)
  await send('first')
  await send('second')
  const [failoverFolder] = failoverFolders()
  child.kill('SIGKILL')
  await waitUntilRemoved(folder, failoverFolder!)
  t.equal(read('one'), 'second of one, with spaces\nand lines\n')
  t.equal(read('two'), 'second of two, with spaces\nand lines\n')
})

const TAKING_OVER = {
  severity: 'W',
  level: 0,
  position: 'failover-process.js:1',
  message: 'kube-proxy was killed; the kernel takes over',
  fields: {},
} as const

/** As the program itself would write it, with a time of today. */
function isJsonOfNow(line: string): boolean {
  const { ts } = JSON.parse(line) as { ts: number }
  return line === jsonLine({ ...TAKING_OVER, at: ts }) && Math.abs(Date.now() - ts) < 86_400_000
}

for (const [format, isLine] of [
  ['text', (line: string) => /^W\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ \S+\.js:\d+\] "kube-proxy was killed; /.test(line)],
  ['json', isJsonOfNow],
] as const)
  t.test(`a failover process that takes over says so in the format of the log: ${format}`, async t => {
    const { folder, child, log, send, failoverFolders } = await startProgram(t, undefined, 'real', format)
    await send('first')
    child.kill('SIGKILL')
    await waitUntilRemoved(folder, failoverFolders()[0]!)
    await log.waitFor(/was killed/)
    t.ok(log.lines.every(isLine), log.lines.join('\n'))
  })

t.test('a disarmed failover process runs nothing and leaves nothing behind', async t => {
  const { folder, child, send, failoverFolders } = await startProgram(t)
  await send('first')
  await send('cancel')
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.same(failoverFolders(), [])
  t.notOk(existsSync(join(folder, 'one')))
})

t.test('a program that is killed before its first script leaves nothing behind', async t => {
  const { folder, child, failoverFolders } = await startProgram(t)
  const [failoverFolder] = failoverFolders()
  child.kill('SIGKILL')
  await waitUntilRemoved(folder, failoverFolder!)
  t.same(readdirSync(folder), [])
})

for (const removed of [false, true])
  t.test(`a killed failover process is replaced${removed ? ', and so is its folder' : ''}`, async t => {
    const { folder, child, log, send, failoverFolders, read } = await startProgram(t)
    await send('first')
    const [killed] = childrenOf(child.pid!)
    const [firstFolder] = failoverFolders()
    if (removed) rmSync(join(folder, firstFolder!), { recursive: true })
    process.kill(killed!, 'SIGKILL')
    await log.waitFor(/"The failover process has exited/)
    await log.waitFor(/"Another failover process runs"/)
    const folders = failoverFolders()
    t.equal(folders.length, 1)
    t.not(folders[0], firstFolder)
    child.kill('SIGKILL')
    await waitUntilRemoved(folder, folders[0]!)
    t.equal(read('one'), 'first of one, with spaces\nand lines\n', 'it has the last script')
  })

t.test('while no failover process runs, a program can end, and leaves nothing behind', async t => {
  const { folder, child, log, send, failoverFolders } = await startProgram(t)
  await send('first')
  process.kill(childrenOf(child.pid!)[0]!, 'SIGKILL')
  await log.waitFor(/"The failover process has exited/)
  await send('cancel')
  const ended = once(child, 'exit')
  child.disconnect()
  await ended
  t.same(failoverFolders(), [])
  t.notOk(existsSync(join(folder, 'one')))
})

t.test('a failover process that cannot start is one warning, and is started again later and later', async t => {
  const allowStarts = failStarts(t)
  const [clock, log] = [new ManualClock(), new RecordingLog()]
  const failover = new FailoverProcess(clock, log, 'text')
  t.teardown(() => failover.disarm())
  t.match(await log.waitForEntry(), { message: /^Cannot start a failover process/, fields: { reason: /E2BIG/ } })
  for (const seconds of [1, 2, 4]) {
    t.equal(clock.pendingTimers, 1)
    clock.advanceSync(1000 * seconds - 1)
    t.equal(clock.pendingTimers, 1, `not before ${seconds} s`)
    clock.advanceSync(1)
    await clock.waitForTimer()
  }
  t.equal(log.entries.length, 1)
  allowStarts()
  clock.advanceSync(8000)
  t.match(await log.waitForEntry(), { message: 'Another failover process runs', fields: { pid: Number } })
})

t.test('a failover process that is stopped is replaced, and the next one has the last script', async t => {
  const { folder, child, log, send, failoverFolders, read } = await startProgram(t, undefined, 'manual')
  await send('first')
  const [stopped] = childrenOf(child.pid!)
  await pingUntilReply(send, stopped!)
  process.kill(stopped!, 'SIGSTOP')
  const isReplaced = () => log.lines.some(line => /"Another failover process runs"/.test(line))
  // Each ping moves the clock: it ends the silent process, and starts another one once the kernel has reported its end.
  await waitUntil(async () => {
    await send('ping')
    return isReplaced()
  }, 'another one runs')
  t.ok(
    log.lines.some(line => /"Replacing the failover process, because it does not reply" pid=\d+/.test(line)),
    log.lines.join('\n'),
  )
  t.notOk(existsSync(`/proc/${stopped}`))
  const [failoverFolder] = failoverFolders()
  child.kill('SIGKILL')
  await waitUntilRemoved(folder, failoverFolder!)
  t.equal(read('one'), 'first of one, with spaces\nand lines\n')
})

t.test('a failover process that replies to pings is kept', async t => {
  const { child, log, send } = await startProgram(t, undefined, 'manual')
  const [failoverProcess] = childrenOf(child.pid!)
  for (let ping = 0; ping < 20; ping++) await pingUntilReply(send, failoverProcess!)
  t.strictSame(childrenOf(child.pid!), [failoverProcess])
  t.strictSame(log.lines, [])
})

t.test('a failover process that replies to a program that was killed runs the script', async t => {
  const { folder, child, send, failoverFolders, read } = await startProgram(t, undefined, 'manual')
  await send('first')
  const [failoverProcess] = childrenOf(child.pid!)
  const [failoverFolder] = failoverFolders()
  await pingUntilReply(send, failoverProcess!)
  process.kill(failoverProcess!, 'SIGSTOP')
  await send('ping')
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
  process.kill(failoverProcess!, 'SIGCONT')
  await waitUntilRemoved(folder, failoverFolder!)
  t.equal(read('two'), 'first of two, with spaces\nand lines\n')
})

/** Sends a ping to a failover process that runs, and waits until it has written its reply. */
async function pingUntilReply(send: (command: string) => Promise<void>, pid: number): Promise<void> {
  const written = () => Number(/^wchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))![1])
  const before = written()
  await send('ping')
  await waitUntil(() => written() > before, 'it has replied')
}

/** A small file system of its own, in memory. */
function mountMemory(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-small-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder])
  t.teardown(() => {
    execFileSync('umount', ['--lazy', folder])
    rmSync(folder, { recursive: true })
  })
  return folder
}

t.test(
  'a script for which there is no space leaves nothing, and the next one that fits replaces the last',
  { skip: process.getuid!() === 0 ? false : 'needs root' },
  async t => {
    const small = mountMemory(t)
    const { folder, child, log, send, read } = await startProgram(t, small)
    const contents = () => readdirSync(small).flatMap(name => readdirSync(join(small, name)).sort())
    await send('first')
    t.strictSame(contents(), ['current', 'v1'])
    await send('x'.repeat(400_000))
    await log.waitFor(/Cannot update the failover script.*ENOSPC/)
    t.strictSame(contents(), ['current', 'v1'])
    await send('third')
    t.strictSame(contents(), ['current', 'v3'])
    const watcher = watch(folder)
    child.kill('SIGKILL')
    while (!existsSync(join(folder, 'two')) || read('two') === '') await once(watcher, 'change')
    watcher.close()
    t.match(read('two'), 'third of two')
  },
)

t.test('where TMPDIR cannot be written, as with a read-only root, the script stands in memory', async t => {
  const { folder, child, send, read } = await startProgram(t, '/proc')
  await send('first')
  const watcher = watch(folder)
  child.kill('SIGKILL')
  while (!existsSync(join(folder, 'two'))) await once(watcher, 'change')
  while (read('two') === '') await once(watcher, 'change')
  watcher.close()
  t.equal(read('one'), 'first of one, with spaces\nand lines\n')
  t.equal(read('two'), 'first of two, with spaces\nand lines\n')
})

t.test(
  'a folder that cannot be removed is a warning: the end of a proxy goes on',
  { skip: process.getuid!() === 0 ? false : 'needs root' },
  t => {
    const readOnly = mountMemory(t)
    const before = process.env['TMPDIR']
    process.env['TMPDIR'] = readOnly
    const log = new RecordingLog()
    const failover = new FailoverProcess(new ManualClock(), log, 'text')
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
    execFileSync('mount', ['-o', 'remount,ro', readOnly])
    failover.disarm()
    t.match(log.entries, [{ severity: 'warn', message: 'Cannot remove the folder of the failover script' }])
    t.end()
  },
)
