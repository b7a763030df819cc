import { type Argv } from 'yargs'
import { type FlagValues, isList } from '../config/flag-settings.js'
import { type Option, isFlag } from '../config/option.js'
import { FLAGS, OPTION_GROUPS } from '../config/options.js'
import { MODES } from '../modes/registry.js'
import { lastValue, rejectUnknownArguments } from './arguments.js'

/** Adds the command without a name: the proxy itself. `run` gets the values of its flags. */
export function addProxyCommand(parser: Argv, run: (values: FlagValues) => Promise<void>): void {
  parser.command(
    '$0',
    false,
    command => {
      for (const { title, options } of OPTION_GROUPS)
        for (const option of options.filter(isFlag)) addFlag(command, option, title)
      // `rejectUnknownArguments` does the same with a suggestion.
      return command.strict(false).epilogue(epilogue())
    },
    async values => {
      rejectUnknownArguments(values)
      await run(lastValues(values as unknown as FlagValues))
    },
  )
}

function epilogue(): string {
  const without = FLAGS.filter(({ effect = 'honoured' }) => effect !== 'honoured').map(({ name }) => `--${name}`)
  return (
    `Accepted without effect, as the log says: ${without.sort().join(', ')}\n\n` +
    'docs/configuration.md describes all options, and the fields of the file for --config.'
  )
}

function addFlag(
  command: Argv,
  { name, kind, value, help: template, default: byDefault, ...option }: Option,
  title: string,
): void {
  const help = template.replace('{modes}', MODES.map(mode => mode.name).join(', '))
  command.option(name, {
    // yargs makes "false" of each text for a boolean that it does not know. Without a type, a switch without value is true.
    ...(kind !== 'switch' && { type: 'string' as const }),
    array: isList({ kind }),
    group: `${title}:`,
    hidden: option.effect !== undefined && option.effect !== 'honoured',
    describe: value === undefined ? help : `${help} (${value})`,
    ...(byDefault === undefined || byDefault === '' ? {} : { defaultDescription: byDefault }),
    requiresArg: kind !== 'switch',
  })
}

/** The last value of a repeated flag counts, as in kube-proxy; lists have all values. */
function lastValues(values: FlagValues): FlagValues {
  return Object.fromEntries(
    FLAGS.map(option => [option.name, isList(option) ? values[option.name] : lastValue(values[option.name])]),
  )
}
