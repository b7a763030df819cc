import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { processStatFields } from '../../lib/system/process-stat-fields.js'

t.test('the name of a process may look like the fields after it', t => {
  const name = readFileSync('/proc/self/comm', 'utf8')
  t.teardown(() => writeFileSync('/proc/self/comm', name))
  writeFileSync('/proc/self/comm', 'a) S 1 (b) Z')
  const [state, parentPid] = processStatFields(readFileSync('/proc/self/stat', 'utf8'))
  t.equal(state, 'R')
  t.equal(parentPid, String(process.ppid))
  t.end()
})
