import { type Argv } from 'yargs'
import { VERSION } from '../control/version.js'
import { ProxyFailure } from '../model/failure.js'
import { closestText } from '../primitives/closest-text.js'
import { quoteValue } from '../primitives/quote-value.js'
import { addQuestionOptions, textOf } from './question-options.js'

/** What the command shows, besides the overview. */
const WORDS = ['services', 'endpoints', 'listeners', 'connections', 'ended', 'affinity', 'rules', 'workers', 'syncs']
const EXAMPLES: readonly (readonly [command: string, meaning: string])[] = [
  ['$0 status', 'the proxy at a glance'],
  ['$0 status endpoints web', 'the endpoints of a Service, and why each is in or out'],
  ['$0 status connections -A --watch', 'open connections, and each that changes'],
  ['$0 status services -A -o json', 'for programs'],
]

/** Adds the command `kube-proxy status`. It loads the code only when the command runs. */
export function addStatusCommand(parser: Argv): void {
  parser.command(
    'status [what] [service]',
    'Show what the proxy of this node serves now, and why; changes nothing',
    command => {
      for (const [example, meaning] of EXAMPLES) command.example(example, meaning)
      return addQuestionOptions(command)
        .positional('what', { type: 'string', describe: `${WORDS.join(', ')}; left out: an overview` })
        .positional('service', { type: 'string', describe: 'Name of a Service; left out: all' })
        .option('output', {
          alias: 'o',
          choices: ['text', 'wide', 'json', 'yaml'],
          default: 'text',
          describe: 'Format; wide has more columns',
        })
        .option('limit', {
          type: 'string',
          requiresArg: true,
          describe: 'The most rows, up to 100000; left out: 10000',
        })
        .option('watch', {
          alias: 'w',
          type: 'boolean',
          describe: 'Go on, and show what is new or different each second',
        })
    },
    async values => {
      const text = (name: string): string | undefined => textOf(values, name)
      const what = text('what')
      if (what !== undefined && !WORDS.includes(what)) throw unknownWord(what)
      const { runStatus } = await import('./status/run-status.js')
      await runStatus({
        socket: text('status-socket')!,
        what,
        service: text('service'),
        namespace: values['all-namespaces'] === true ? undefined : text('namespace'),
        limit: text('limit'),
        output: text('output') as 'text',
        isWatch: values['watch'] === true,
        version: VERSION,
      })
    },
  )
}

function unknownWord(what: string): ProxyFailure {
  const near = closestText(what, WORDS)
  const suggestion = near === undefined ? '' : `; did you mean ${near}?`
  return new ProxyFailure('STATUS_INVALID', `${quoteValue(what)}: the status has no such part${suggestion}`, {
    hint: `There are: ${WORDS.join(', ')}`,
  })
}
