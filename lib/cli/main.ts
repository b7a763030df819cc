import { hostname } from 'node:os'
import yargs from 'yargs'
import { cleanup, cleanupFailure, logCleanup } from '../control/cleanup.js'
import { ConfigReload } from '../control/config-reload.js'
import { initNode } from '../control/init-node.js'
import { loadConfig, logNotes } from '../control/load-config.js'
import { runUntilSignal } from '../control/run-until-signal.js'
import { VERSION } from '../control/version.js'
import { writeConfig } from '../control/write-config.js'
import { type FlagValues } from '../config/flag-settings.js'
import { type ReadConfigResult } from '../config/read-config.js'
import { ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { MODES } from '../modes/registry.js'
import { createKlog } from '../observe/klog.js'
import { setProcessName } from '../system/process-name.js'
import { addProxyCommand } from './add-proxy-command.js'
import { addCheckCommand } from './check-command.js'
import { dashedArguments } from './dashed-arguments.js'
import { addDemoCommand } from './demo-command.js'
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
  const parser = yargs([...dashedArguments(args)])
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
  addProxyCommand(parser, async values => {
    setProcessName('kube-proxy', args)
    exitCode = await runProxy(values)
  })
  addDemoCommand(parser, code => (exitCode = code))
  addCheckCommand(parser, code => (exitCode = code))
  await parser.parseAsync()
  return exitCode
}

async function runProxy(values: FlagValues): Promise<number> {
  const load = (): Promise<ReadConfigResult> => loadConfig(values, hostname(), MODES)
  const read = await load()
  const { config, problems } = read
  if (problems.length > 0) {
    throw new ProxyFailure('CONFIG_INVALID', problems.join('\n'), {
      hint: 'See kube-proxy --help, and docs/configuration.md',
    })
  }
  const log = createKlog({ verbosity: config.verbosity, format: config.logFormat })
  logNotes(read, log)
  if (config.writeConfigTo !== '') await writeConfig(config)
  else if (config.cleanup) await runCleanup(log)
  else if (config.initOnly) await initNode(config, log)
  else await runUntilSignal(config, log, MODES, config.configFile === '' ? undefined : new ConfigReload({ load, log }))
  return 0
}

async function runCleanup(log: Log): Promise<void> {
  const results = await cleanup(log)
  logCleanup(results, log)
  const failure = cleanupFailure(results)
  if (failure !== undefined) throw failure
}
