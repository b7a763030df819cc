import { hostname } from 'node:os'
import { type Argv } from 'yargs'
import { type FlagValues } from '../config/flag-settings.js'
import { FLAGS } from '../config/options.js'
import { loadConfig } from '../control/load-config.js'
import { VERSION } from '../control/version.js'
import { ProxyFailure } from '../model/failure.js'
import { MODES } from '../modes/registry.js'
import { lastValue, rejectArgumentsOfOthers } from './arguments.js'

/** Flags of the proxy, besides its mode, that change what it needs of the node or does to its limits. */
const PROXY_FLAGS = ['ipvs-scheduler', 'conntrack-max-per-core', 'conntrack-min']

/** Adds the command `kube-proxy check`. It loads the code of the check only when the command runs. */
export function addCheckCommand(parser: Argv, setExitCode: (code: number) => void): void {
  parser.command(
    'check',
    'Report which modes this node supports, and what is missing; changes no rule',
    command =>
      command
        .option('config', {
          type: 'string',
          requiresArg: true,
          describe: 'Configuration file of the proxy: its modes, IPVS scheduler and conntrack limits',
        })
        .option('proxy-mode', {
          type: 'string',
          requiresArg: true,
          describe: 'Modes in order of preference, as for the proxy; the exit code is 0 if one of them works',
        })
        .options(
          Object.fromEntries(
            PROXY_FLAGS.map(name => [name, { type: 'string' as const, requiresArg: true, describe: helpOf(name) }]),
          ),
        )
        .option('output', {
          alias: 'o',
          choices: ['text', 'json'],
          default: 'text',
          describe: 'Format of the report',
        })
        // `rejectArgumentsOfOthers` does the same with a suggestion.
        .strict(false),
    async values => {
      const taken = ['config', 'proxy-mode', ...PROXY_FLAGS]
      rejectArgumentsOfOthers(values, 'check', [...taken, 'output', 'o'])
      const flags = Object.fromEntries(taken.map(name => [name, lastValue(values[name] as FlagValues[string])]))
      const { config, problems } = await loadConfig(flags, hostname(), MODES)
      if (problems.length > 0)
        throw new ProxyFailure('CONFIG_INVALID', problems.join('\n'), { hint: 'See kube-proxy check --help' })
      const { runCheck } = await import('../check/run-check.js')
      setExitCode(await runCheck(config, MODES, VERSION, lastValue(values['output']) === 'json' ? 'json' : 'text'))
    },
  )
}

function helpOf(name: string): string {
  return FLAGS.find(flag => flag.name === name)?.help ?? ''
}
