import { type Argv } from 'yargs'
import { FLAGS } from '../config/options.js'
import { lastValue } from './arguments.js'

/** Adds the options of a command that asks the proxy of this node about Services. */
export function addQuestionOptions<Options>(command: Argv<Options>) {
  return command
    .option('namespace', {
      alias: 'n',
      type: 'string',
      default: 'default',
      requiresArg: true,
      describe: 'Namespace of the Services',
    })
    .option('all-namespaces', { alias: 'A', type: 'boolean', describe: 'Services of all namespaces' })
    .option('status-socket', {
      type: 'string',
      requiresArg: true,
      default: FLAGS.find(({ name }) => name === 'status-socket')?.default,
      describe: 'Unix socket of the proxy',
    })
}

/** The value of an option that was given last, as a text; undefined: it was not given. */
export function textOf(values: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = lastValue(values[name] as string | undefined)
  return value === undefined ? undefined : String(value)
}
