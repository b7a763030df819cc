import { hostname } from 'node:os'
import { cleanup, cleanupFailure, logCleanup } from '../control/cleanup.js'
import { ConfigReload } from '../control/config-reload.js'
import { initNode } from '../control/init-node.js'
import { loadConfig, logNotes } from '../control/load-config.js'
import { runUntilSignal } from '../control/run-until-signal.js'
import { type FlagValues } from '../config/flag-settings.js'
import { type ReadConfigResult } from '../config/read-config.js'
import { ProxyFailure, messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { MODES } from '../modes/registry.js'
import { type Klog, createKlog, wantsColour } from '../observe/klog.js'
import { logCrashes } from '../observe/log-crashes.js'
import { escapeControls } from '../primitives/quote-value.js'
import { writeConfigurationFile } from '../source/write-configuration-file.js'
import { setProcessName } from '../system/process-name.js'
import { addProxyCommand } from './add-proxy-command.js'
import { addAskCommand } from './ask-command.js'
import { addCheckCommand } from './check-command.js'
import { createParser } from './create-parser.js'
import { addDemoCommand } from './demo-command.js'
import { addDoctorCommand } from './doctor-command.js'
import { addExplainCommand } from './explain-command.js'
import { addLearnCommand } from './learn-command.js'
import { addStatusCommand } from './status-command.js'
import { addTraceCommand } from './trace-command.js'

/** The exit code of a command that has failed; of all others it is 1. */
const FAILURE_CODES: ReadonlyMap<string, number> = new Map([['doctor', 2]])

/**
 * Runs the command line and returns the exit code. 0: done, or stopped by a signal and drained. 1: failed; the reason is on
 * standard error. `kube-proxy doctor` has codes of its own.
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    return await parseAndRun(args)
  } catch (error) {
    printFailure(error)
    return FAILURE_CODES.get(args[0] ?? '') ?? 1
  }
}

async function parseAndRun(args: readonly string[]): Promise<number> {
  let exitCode = 0
  const parser = createParser(args)
  addProxyCommand(parser, async values => {
    setProcessName('kube-proxy', args)
    exitCode = await runProxy(values)
  })
  addDemoCommand(parser, code => (exitCode = code))
  addCheckCommand(parser, code => (exitCode = code))
  addDoctorCommand(parser, code => (exitCode = code))
  addExplainCommand(parser)
  addAskCommand(parser, code => (exitCode = code))
  addLearnCommand(parser, code => (exitCode = code))
  addStatusCommand(parser)
  addTraceCommand(parser)
  await parser.parseAsync()
  return exitCode
}

async function runProxy(values: FlagValues): Promise<number> {
  const load = (): Promise<ReadConfigResult> => loadConfig(values, hostname(), MODES)
  const read = await load()
  const { config, problems } = read
  const log = createKlog({ verbosity: config.verbosity, format: config.logFormat })
  if (config.logFormat === 'json') logCrashes(log)
  try {
    if (problems.length > 0) {
      throw new ProxyFailure('CONFIG_INVALID', problems.join('\n'), {
        hint: 'See kube-proxy --help, and docs/configuration.md',
      })
    }
    await runConfigured(read, load, log)
    return 0
  } catch (error) {
    if (config.logFormat !== 'json') throw error
    // A program that reads objects cannot read the text that is for people.
    log.error('kube-proxy failed', error)
    return 1
  }
}

async function runConfigured(
  { config, notes }: ReadConfigResult,
  load: () => Promise<ReadConfigResult>,
  log: Klog,
): Promise<void> {
  // What the options mean for a proxy does not matter here; an unknown field may matter.
  logNotes({ notes: notes.filter(({ isWarning }) => isWarning || !config.cleanup) }, log)
  if (config.writeConfigTo !== '') await writeConfigurationFile(config)
  else if (config.cleanup) await runCleanup(log)
  else if (config.initOnly) await initNode(config, log)
  else await runUntilSignal(config, log, MODES, config.configFile === '' ? undefined : new ConfigReload({ load, log }))
}

async function runCleanup(log: Log): Promise<void> {
  const results = await cleanup(log)
  logCleanup(results, log)
  const failure = cleanupFailure(results)
  if (failure !== undefined) throw failure
}

/** Writes a failure to standard error: what failed, why, and what to do. */
function printFailure(error: unknown): void {
  const useColour = wantsColour(process.env, process.stderr.isTTY)
  const red = (text: string): string => (useColour ? `\x1b[31m${text}\x1b[0m` : text)
  const lines = [`${red('kube-proxy:')} ${escapeControls(messageOf(error)).split('\n').join('\n            ')}`]
  if (error instanceof ProxyFailure) {
    if (error.hint !== undefined) lines.push(`            ${escapeControls(error.hint)}.`)
    lines.push(`            (${error.code}, see docs/errors.md)`)
  } else if (error instanceof Error && error.stack !== undefined) {
    // An unexpected error: a bug report needs the stack.
    lines.push(error.stack)
  }
  process.stderr.write(`${lines.join('\n')}\n`)
}
