import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import t from 'tap'
import { ManifestFiles } from '../../lib/source/manifest-files.js'

const folder = mkdtempSync(join(tmpdir(), 'manifest-files-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const path = (name: string): string => join(folder, name)
const DAY_S = 86_400

t.test('a file that was written a moment ago is left for a later look', async t => {
  const files = new ManifestFiles([folder])
  const setAge = (name: string, seconds: number): void => {
    const time = Date.now() / 1000 - seconds
    utimesSync(path(name), time, time)
  }
  const look = async (settleMs = 1000 * DAY_S) => {
    const { changed, isSettling } = await files.look(settleMs)
    return { changed: changed.map(({ text }) => text), isSettling }
  }
  writeFileSync(path('a.yaml'), 'a')
  writeFileSync(path('old.yaml'), 'old')
  setAge('old.yaml', 2 * DAY_S)
  t.same(await look(), { changed: ['old'], isSettling: true }, 'a new file')
  setAge('a.yaml', 2 * DAY_S)
  t.same(await look(), { changed: ['a'], isSettling: false }, 'after a while')
  t.same(await look(), { changed: [], isSettling: false }, 'without a change')
  writeFileSync(path('a.yaml'), 'b')
  t.same(await look(), { changed: [], isSettling: true }, 'a changed file')
  t.same(await look(0), { changed: ['b'], isSettling: false }, 'when the wait is over')
  writeFileSync(path('a.yaml'), 'c')
  setAge('a.yaml', -DAY_S)
  t.same(await look(), { changed: ['c'], isSettling: false }, 'a time in the future')
})

t.test('a file that was written in this very millisecond was written a moment ago', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'manifest-files-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'a.yaml')
  const files = new ManifestFiles([folder])
  // The clock of files is finer than that of JavaScript: within one millisecond, the file seems to come from the future.
  for (let n = 0; n < 100; n++) {
    writeFileSync(file, `${n}`)
    const time = (Date.now() + 0.9) / 1000
    utimesSync(file, time, time)
    const { isSettling } = await files.look(1000 * DAY_S)
    if (!isSettling) return void t.fail(`look ${n} took it for settled`)
  }
  t.pass('each time')
})

t.test('a file that is named, and is in a folder that is named, is read once', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'manifest-files-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'a.yaml')
  writeFileSync(file, 'a')
  for (const paths of [
    [folder, file],
    [file, folder],
    [folder, join(folder, '..', basename(folder), '.') + '/'],
    [relative(process.cwd(), file), file],
  ]) {
    const { files, changed } = await new ManifestFiles(paths).look(0)
    t.strictSame([files.length, changed.length], [1, 1], paths.join(' '))
  }
})

t.test('the name of a file that cannot be read is quoted', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'manifest-files-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, '\u001b[31mred.yaml')
  const problemOf = async (given: string) => (await new ManifestFiles([given]).look(0)).unreadable[0]!.problem
  t.match(await problemOf(file), /^Cannot read "[^"]*\\u001b\[31mred\.yaml": ENOENT/)
  mkdirSync(file)
  t.match(await problemOf(folder), /^Cannot read "[^"]*\\u001b\[31mred\.yaml": /)
})
