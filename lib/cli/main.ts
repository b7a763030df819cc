import { hostname } from 'node:os'
import yargs from 'yargs'
import { cleanup, cleanupFailure, logCleanup } from '../control/cleanup.js'
import { runUntilSignal } from '../control/run-until-signal.js'
import { VERSION } from '../control/version.js'
import { FLAGS } from '../config/flags.js'
import { type FlagValues } from '../config/flag-reader.js'
import { readConfig } from '../config/read-config.js'
import { ProxyFailure } from '../model/failure.js'
import { MODES } from '../modes/registry.js'
import { createKlog } from '../observe/klog.js'
import { setProcessName } from '../system/process-name.js'
import { addCheckCommand } from './check-command.js'
import { addDemoCommand } from './demo-command.js'
import { lastValue } from './last-value.js'
import { printFailure } from './print-failure.js'

const HELP_WIDTH = 110

/**
 * Runs the command line and returns the exit code. 0: done, or stopped by a signal and drained. 1: failed; the reason is on
 * standard error.
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    return await parseAndRun(args)
  } catch (error) {
    printFailure(error)
    return 1
  }
}

async function parseAndRun(args: readonly string[]): Promise<number> {
  let exitCode = 0
  const parser = yargs([...args])
    .scriptName('kube-proxy')
    .usage('$0 [options]\n\nForwards traffic from the addresses of Kubernetes Services to their Pods.')
    .parserConfiguration({
      'dot-notation': false,
      'boolean-negation': false,
      'duplicate-arguments-array': true,
      'greedy-arrays': false,
      'parse-numbers': false,
      'camel-case-expansion': false,
    })
    .command(
      '$0',
      false,
      command => {
        for (const { name, kind, value, help: template, default: byDefault } of FLAGS) {
          const help = template.replace('{modes}', MODES.map(mode => mode.name).join(', '))
          command.option(name, {
            // yargs makes "false" of each text for a boolean that it does not know. Without a type, a switch without value is true.
            ...(kind !== 'switch' && { type: 'string' as const }),
            array: kind === 'list',
            describe: value === undefined ? help : `${help} (${value})`,
            ...(byDefault === undefined || byDefault === '' ? {} : { defaultDescription: byDefault }),
            requiresArg: kind !== 'switch',
          })
        }
        return command
      },
      async values => {
        setProcessName('kube-proxy', args)
        exitCode = await runProxy(values as unknown as FlagValues)
      },
    )
    .strict()
    .version(`kube-proxy-node v${VERSION}`)
    .help()
    .alias('help', 'h')
    .wrap(Math.min(HELP_WIDTH, process.stdout.columns ?? HELP_WIDTH))
    .exitProcess(false)
    .fail((message, error: Error | undefined) => {
      // A usage problem has no error, or one of yargs' own class.
      if (error !== undefined && error.name !== 'YError') throw error
      throw new ProxyFailure('CONFIG_INVALID', message, { hint: 'See kube-proxy --help' })
    })
  addDemoCommand(parser, code => (exitCode = code))
  addCheckCommand(parser, code => (exitCode = code))
  await parser.parseAsync()
  return exitCode
}

async function runProxy(values: FlagValues): Promise<number> {
  const { config, problems } = readConfig(lastValues(values), hostname(), MODES)
  if (problems.length > 0) {
    throw new ProxyFailure('CONFIG_INVALID', problems.join('\n'), { hint: 'See kube-proxy --help' })
  }
  const log = createKlog({ verbosity: config.verbosity })
  if (config.cleanup) {
    const results = await cleanup(log)
    logCleanup(results, log)
    const failure = cleanupFailure(results)
    if (failure !== undefined) throw failure
    return 0
  }
  await runUntilSignal(config, log)
  return 0
}

/** The last value of a repeated flag counts, as in kube-proxy; lists have all values. */
function lastValues(values: FlagValues): FlagValues {
  return Object.fromEntries(
    FLAGS.map(({ name, kind }) => [name, kind === 'list' ? values[name] : lastValue(values[name])]),
  )
}
