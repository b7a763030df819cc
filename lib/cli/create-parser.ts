import yargs, { type Argv } from 'yargs'
import { VERSION } from '../control/version.js'
import { ProxyFailure } from '../model/failure.js'
import { dashedArguments, rejectInheritedNames } from './arguments.js'
import { readSwitches } from './read-switches.js'

const HELP_WIDTH = 110

/** Creates the parser of the command line, without commands. It, and the parser, throw ProxyFailure `CONFIG_INVALID` for a wrong use. */
export function createParser(args: readonly string[]): Argv {
  const dashed = dashedArguments(args)
  rejectInheritedNames(dashed)
  return yargs([...readSwitches(dashed)])
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
}
