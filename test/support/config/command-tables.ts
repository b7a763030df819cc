import { type Argv } from 'yargs'
import { addAskCommand } from '../../../lib/cli/ask-command.js'
import { addCheckCommand } from '../../../lib/cli/check-command.js'
import { createParser } from '../../../lib/cli/create-parser.js'
import { addDemoCommand } from '../../../lib/cli/demo-command.js'
import { addDoctorCommand } from '../../../lib/cli/doctor-command.js'
import { addExplainCommand } from '../../../lib/cli/explain-command.js'
import { addLearnCommand } from '../../../lib/cli/learn-command.js'
import { addStatusCommand } from '../../../lib/cli/status-command.js'
import { addTraceCommand } from '../../../lib/cli/trace-command.js'

/** What a parser of yargs knows of a command and its options. Its types do not say it. */
interface KnownToYargs {
  getInternalMethods(): {
    getCommandInstance(): {
      getCommandHandlers(): Readonly<Record<string, CommandHandler>>
    }
    getUsageInstance(): { getDescriptions(): Readonly<Record<string, string>> }
  }
  getOptions(): {
    readonly key: Readonly<Record<string, unknown>>
    readonly alias: Readonly<Record<string, readonly string[]>>
    readonly array: readonly string[]
    readonly string: readonly string[]
    readonly choices: Readonly<Record<string, readonly string[]>>
    readonly default: Readonly<Record<string, unknown>>
  }
  getGroups(): Readonly<Record<string, readonly string[]>>
}

interface CommandHandler {
  /** With its positional arguments. */
  readonly original: string
  readonly description: string
  readonly builder: (command: Argv) => unknown
}

/** Each command has these. */
const OF_ALL = ['help', 'version']
const POSITIONALS = 'Positionals:'

/** The reference of the commands beside the proxy: a table of flags for each. */
export function commandTables(): string {
  const parser = createParser([])
  addDemoCommand(parser, () => undefined)
  addCheckCommand(parser, () => undefined)
  addDoctorCommand(parser, () => undefined)
  addExplainCommand(parser)
  addAskCommand(parser, () => undefined)
  addLearnCommand(parser, () => undefined)
  addStatusCommand(parser)
  addTraceCommand(parser)
  const commands = knownTo(parser).getInternalMethods().getCommandInstance().getCommandHandlers()
  return Object.values(commands).map(tableOf).join('\n\n')
}

function tableOf({ original, description, builder }: CommandHandler): string {
  const command = createParser([])
  builder(command)
  const { key, alias, array, string, choices, default: defaults } = knownTo(command).getOptions()
  const { [POSITIONALS]: positionals = [], ...groups } = knownTo(command).getGroups()
  const ofProxy = Object.values(groups).flat()
  const descriptions = knownTo(command).getInternalMethods().getUsageInstance().getDescriptions()
  const isAlias = (name: string): boolean => Object.values(alias).flat().includes(name)
  const describe = (name: string): string => (descriptions[name] ?? '').replace(/^__yargsString__:/, '')
  const names = Object.keys(key).filter(
    name => ![...OF_ALL, ...positionals, ...ofProxy].includes(name) && !isAlias(name),
  )
  const rows = names.map(name => {
    const flags = [name, ...(alias[name] ?? [])].map(flag => code(flag.length === 1 ? `-${flag}` : `--${flag}`))
    const values = choices[name]?.map(code).join(', ') ?? (string.includes(name) ? 'text' : '`true`, `false`')
    const repeated = array.includes(name) ? '; may be repeated' : ''
    const byDefault = defaults[name] === undefined ? '' : code(String(defaults[name]))
    return `| ${[flags.join(', '), `${values}${repeated}`, byDefault, `${describe(name)}.`].join(' | ')} |`
  })
  const alsoTaken = ofProxy.map(name => code(`--${name}`)).join(', ')
  return [
    ...[`### \`kube-proxy ${original}\``, '', `${description}.`, ''],
    ...['| flag | values | default | meaning |', '|---|---|---|---|', ...rows],
    ...(ofProxy.length === 0 ? [] : ['', `These flags of the proxy, with the same meaning: ${alsoTaken}.`]),
  ].join('\n')
}

function knownTo(parser: Argv): KnownToYargs {
  return parser as unknown as KnownToYargs
}

function code(text: string): string {
  return `\`${text}\``
}
