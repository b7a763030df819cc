import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readSettings } from '../lib/config/read-config.js'
import { MODES } from '../lib/modes/registry.js'
import { parseConfigurationFile } from '../lib/source/read-configuration-file.js'
import { commandTables } from './support/config/command-tables.js'
import { configurationTables } from './support/config/configuration-tables.js'
import { runProgram } from './support/processes/run-program.js'

const FILE = join(process.cwd(), 'docs', 'configuration.md')
/** Flags that each command has. */
const OF_ALL = ['--help', '--version']
/** What a test writes into the document, by the name in its mark there. */
const TABLES = { options: configurationTables(), commands: commandTables() }
const beginOf = (name: string): string => `<!-- ${name}: written by test/configuration-docs.test.ts -->\n`
const END = '\n<!-- end -->'

for (const [name, tables] of Object.entries(TABLES))
  t.test(`the tables of ${name} in the document say what the code says`, t => {
    const text = readFileSync(FILE, 'utf8')
    const before = text.indexOf(beginOf(name)) + beginOf(name).length
    const after = text.indexOf(END, before)
    t.ok(before > beginOf(name).length && after > before, 'the document has a place for the tables')
    const written = text.slice(before, after).trim()
    if (process.env['WRITE_DOCS'] !== undefined)
      writeFileSync(FILE, `${text.slice(0, before)}\n${tables}\n${text.slice(after)}`)
    else t.equal(written, tables, 'WRITE_DOCS=1 npm run one -- configuration-docs writes it')
    t.end()
  })

t.test('the tables have each command of the program, and each of its flags', async t => {
  const commandsOf = (text: string): string[] => [...text.matchAll(/kube-proxy ([a-z]+)/g)].map(([, name]) => name!)
  const { stdout } = await runProgram(['--help'])
  const [, listed = ''] = /^Commands:\n(.*?)\n\n/ms.exec(stdout) ?? []
  const sections = TABLES.commands.split(/^(?=### )/m)
  t.strictSame(
    sections.flatMap(section => commandsOf(section.split('\n')[0]!)),
    commandsOf(listed),
  )
  for (const section of sections) {
    const [command] = commandsOf(section)
    const help = await runProgram([command!, '--help'])
    const flags = [...help.stdout.matchAll(/^ +(?:-\w, )?(--[a-z-]+) /gm)].map(([, flag]) => flag!)
    t.ok(flags.length > OF_ALL.length, `flags of ${command}`)
    const named = [...section.matchAll(/`(--[a-z-]+)`/g)].map(([, flag]) => flag!)
    t.strictSame([...named, ...OF_ALL].sort(), flags.sort(), `the flags of ${command}`)
  }
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
