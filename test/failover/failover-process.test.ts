import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'

const PROGRAM = fileURLToPath(new URL('../support/processes/failover-entry.js', import.meta.url))

/** A program that has a guard with two wills: each writes its text to a file of its folder. */
async function startProgram(t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-guard-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const child = fork(PROGRAM, [folder], { env: { ...process.env, TMPDIR: folder } })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child, 'message')
  const send = async (what: string) => {
    child.send(what)
    await once(child, 'message')
  }
  const failoverFolders = () => readdirSync(folder).filter(name => name.startsWith('kube-proxy-guard-'))
  return { folder, child, send, failoverFolders, read: (name: string) => readFileSync(join(folder, name), 'utf8') }
}

/** Resolves once the guard has done its work and has removed its folder. */
async function waitUntilGone(folder: string, guard: string): Promise<void> {
  const watcher = watch(folder)
  while (existsSync(join(folder, guard))) await once(watcher, 'change')
  watcher.close()
}

t.test('when its program is killed, the last will is carried out, as it was at last', async t => {
  const { folder, child, send, failoverFolders, read } = await startProgram(t)
  await send('first')
  await send('second')
  const [guard] = failoverFolders()
  child.kill('SIGKILL')
  await waitUntilGone(folder, guard!)
  t.equal(read('one'), 'second of one, with spaces\nand lines\n')
  t.equal(read('two'), 'second of two, with spaces\nand lines\n')
})

t.test('nothing is carried out when it was told to stand down, and nothing stays behind', async t => {
  const { folder, child, send, failoverFolders } = await startProgram(t)
  await send('first')
  await send('cancel')
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.same(failoverFolders(), [])
  t.notOk(existsSync(join(folder, 'one')))
})

t.test('a program that is killed before it had a will leaves nothing to be done', async t => {
  const { folder, child, failoverFolders } = await startProgram(t)
  const [guard] = failoverFolders()
  child.kill('SIGKILL')
  await waitUntilGone(folder, guard!)
  t.same(readdirSync(folder), [])
})
