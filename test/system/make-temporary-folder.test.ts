import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import { makeTemporaryFolder } from '../../lib/system/make-temporary-folder.js'

const folder = mkdtempSync(join(tmpdir(), 'places-'))
t.teardown(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'file'), '')
/** Not even root can create a folder in these. */
const USELESS = [join(folder, 'nowhere'), join(folder, 'file'), '/proc']

t.test('the first place that can be written is used', t => {
  const made = makeTemporaryFolder('mine-', [...USELESS, folder, tmpdir()])
  t.equal(dirname(made), folder)
  t.equal(statSync(made).mode & 0o777, 0o700)
  t.equal(readdirSync(folder).filter(name => name.startsWith('mine-')).length, 1)
  t.end()
})

t.test('without any such place the error names each reason and says what to do', t => {
  t.throws(() => makeTemporaryFolder('mine-', USELESS), {
    code: 'TEMPORARY_FOLDER_FAILED',
    message: /nowhere.*; .*ENOTDIR.*; .*\/proc/,
    hint: /TMPDIR/,
  })
  t.end()
})
