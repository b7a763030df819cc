import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findEnvironmentVariables } from './support/checks/environment-variables.js'

const FILE = join('docs', 'configuration.md')

t.test('docs/configuration.md lists the environment variables that are used, and no others', t => {
  const [, section = ''] = readFileSync(FILE, 'utf8').split('\n## Environment variables\n')
  const rows = section
    .split('\n## ')[0]!
    .split('\n')
    .filter(line => line.startsWith('| `'))
  const documented = rows.flatMap(row => [...row.split('|')[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!))
  t.strictSame(documented.sort(), [...findEnvironmentVariables()].sort())
  t.end()
})
