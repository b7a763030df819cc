import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { checkRegularFile, readRegularFile } from '../../lib/source/read-regular-file.js'

const folder = mkdtempSync(join(tmpdir(), 'files-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const path = (name: string): string => join(folder, name)

t.test('regular files and links to them are read', async t => {
  mkdirSync(path('..data'))
  writeFileSync(path('..data/a.yaml'), 'hello')
  symlinkSync('..data/a.yaml', path('a.yaml'))
  symlinkSync('a.yaml', path('b.yaml'))
  for (const name of ['..data/a.yaml', 'a.yaml', 'b.yaml']) {
    const { bytes, stats } = await readRegularFile(path(name), 5)
    t.equal(bytes.toString(), 'hello', name)
    t.equal(stats.size, 5, name)
    await checkRegularFile(path(name))
  }
  writeFileSync(path('large'), Buffer.alloc(200_000, 'x'))
  t.equal((await readRegularFile(path('large'), 200_000)).bytes.length, 200_000)
  t.match((await readRegularFile('/proc/self/status', 100_000)).bytes.toString(), /Pid:/, 'a file without a size')
})

t.test('what is no regular file, or too large, is named and not read', async t => {
  execFileSync('mkfifo', [path('fifo')])
  symlinkSync('fifo', path('link-to-fifo'))
  symlinkSync('nowhere', path('link-to-nothing'))
  const server = createServer().listen(path('socket'))
  await once(server, 'listening')
  t.teardown(() => server.close())
  writeFileSync(path('sparse'), '')
  truncateSync(path('sparse'), 2 ** 40)
  const table: readonly (readonly [file: string, message: RegExp])[] = [
    [path('fifo'), /it is a FIFO, expected a regular file/],
    [path('link-to-fifo'), /it is a FIFO, expected a regular file/],
    [path('socket'), /it is a socket, expected a regular file/],
    ['/dev/zero', /it is a device, expected a regular file/],
    [folder, /it is a folder, expected a regular file/],
    [path('link-to-nothing'), /ENOENT/],
    [path('nowhere'), /ENOENT/],
    [path('sparse'), /it has 1099511627776 bytes, expected at most 1000 bytes/],
    ['/proc/self/smaps', /it has more, expected at most 1000 bytes/],
  ]
  for (const [file, message] of table) {
    await t.rejects(readRegularFile(file, 1000), { message }, file)
    if (!/bytes/.test(String(message))) await t.rejects(checkRegularFile(file), { message }, file)
  }
})

t.test('a file that a FIFO replaces while it is opened is refused too, and nothing waits for a writer', async t => {
  const file = path('replaced')
  writeFileSync(file, 'hello')
  const { stat } = promises
  promises.stat = (async (...args: Parameters<typeof stat>) => {
    const stats = await stat(...args)
    rmSync(file)
    execFileSync('mkfifo', [file])
    return stats
  }) as typeof stat
  syncBuiltinESMExports()
  t.teardown(() => {
    promises.stat = stat
    syncBuiltinESMExports()
    // A reader that waits goes on once there is a writer.
    openSync(file, 'r+')
  })
  await t.rejects(readRegularFile(file, 1000), { message: /it is a FIFO, expected a regular file/ })
})
