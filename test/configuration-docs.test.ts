import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readSettings } from '../lib/config/read-config.js'
import { MODES } from '../lib/modes/registry.js'
import { parseConfigurationFile } from '../lib/source/read-configuration-file.js'
import { configurationTables } from './support/config/configuration-tables.js'

const FILE = join(process.cwd(), 'docs', 'configuration.md')
const BEGIN = '<!-- written by test/configuration-docs.test.ts -->\n'
const END = '\n<!-- end -->'

t.test('the tables of options in the document say what the code says', t => {
  const text = readFileSync(FILE, 'utf8')
  const [before, after] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)]
  t.ok(before > BEGIN.length && after > before, 'the document has a place for the tables')
  const written = text.slice(before, after).trim()
  if (process.env['WRITE_DOCS'] !== undefined)
    writeFileSync(FILE, `${text.slice(0, before)}\n${configurationTables()}\n${text.slice(after)}`)
  else t.equal(written, configurationTables(), 'WRITE_DOCS=1 npm run one -- configuration-docs writes it')
  t.end()
})

t.test('every example of a configuration file in the document is one, without mistakes and unknown fields', t => {
  const examples = [...readFileSync(FILE, 'utf8').matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, example]) => example!)
  t.ok(examples.length > 0)
  for (const example of examples) {
    const { settings, problems, notes } = parseConfigurationFile(example, 'example')
    t.same([problems, notes], [[], []])
    t.same(readSettings(settings, { hostName: 'host', knownModes: MODES, isFile: true }).problems, [])
  }
  t.end()
})
