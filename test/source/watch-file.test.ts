import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { watchFile } from '../../lib/source/watch-file.js'

function watchNewFile(t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'watch-'))
  const stop = new AbortController()
  t.teardown(() => {
    stop.abort()
    rmSync(folder, { recursive: true })
  })
  const path = join(folder, 'config')
  const write = (text: string, name = 'config') => writeFileSync(join(folder, name), text)
  return { folder, path, write, stop, watch: () => watchFile(path, stop.signal) }
}

t.test('a file that is edited in place, replaced, removed and written again is noticed each time', async t => {
  const { path, folder, write, watch } = watchNewFile(t)
  write('one')
  const changes = await watch()
  write('two')
  t.equal((await changes.next()).done, false, 'edited')
  write('three', 'draft')
  renameSync(join(folder, 'draft'), path)
  t.equal((await changes.next()).done, false, 'replaced')
  rmSync(path)
  t.equal((await changes.next()).done, false, 'removed')
  write('four')
  t.equal((await changes.next()).done, false, 'written again')
})

t.test('the swapped link of a mounted ConfigMap is noticed', async t => {
  const { folder, path, watch } = watchNewFile(t)
  for (const version of ['..1', '..2']) {
    mkdirSync(join(folder, version))
    writeFileSync(join(folder, version, 'config'), version)
  }
  symlinkSync('..1', join(folder, '..data'))
  symlinkSync(join('..data', 'config'), path)
  const changes = await watch()
  symlinkSync('..2', join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  t.equal((await changes.next()).done, false)
})

t.test('a change behind a link to another folder is noticed by a look at the file', async t => {
  const { path, watch } = watchNewFile(t)
  const elsewhere = mkdtempSync(join(tmpdir(), 'elsewhere-'))
  t.teardown(() => rmSync(elsewhere, { recursive: true }))
  writeFileSync(join(elsewhere, 'config'), 'one')
  symlinkSync(join(elsewhere, 'config'), path)
  const changes = await watch()
  writeFileSync(join(elsewhere, 'config'), 'two')
  t.equal((await changes.next()).done, false)
})

t.test('the watch ends when it is stopped, also in a folder that does not exist', async t => {
  const { write, watch, stop } = watchNewFile(t)
  write('one')
  const changes = await watch()
  const next = changes.next()
  stop.abort()
  t.equal((await next).done, true)
  const nowhere = new AbortController()
  const none = (await watchFile('/nowhere/at/all', nowhere.signal)).next()
  nowhere.abort()
  t.equal((await none).done, true)
})
