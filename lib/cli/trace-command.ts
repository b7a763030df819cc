import { type Argv } from 'yargs'
import { VERSION } from '../control/version.js'
import { addQuestionOptions, textOf } from './question-options.js'

const EXAMPLES: readonly (readonly [command: string, meaning: string])[] = [
  ['$0 trace web', 'the connections of a Service, as they open and end'],
  ['$0 trace -A --failures', 'what goes wrong on this node'],
  ['$0 trace -A --client 10.244.0.0/24', 'what some clients do'],
  ['$0 trace web -o json', 'for programs: an object on each line'],
]

/** Adds the command `kube-proxy trace`. It loads the code only when the command runs. */
export function addTraceCommand(parser: Argv): void {
  parser.command(
    'trace [service]',
    'Show connections as they open, are retried, refused and end; changes nothing',
    command => {
      for (const [example, meaning] of EXAMPLES) command.example(example, meaning)
      return addQuestionOptions(command)
        .positional('service', { type: 'string', describe: 'Name of a Service; left out: all' })
        .option('client', { type: 'string', requiresArg: true, describe: 'Address or range of clients' })
        .option('pod', { type: 'string', requiresArg: true, describe: 'Address of an endpoint' })
        .option('failures', {
          type: 'boolean',
          describe: 'Only what goes wrong: retries, refusals, ejections, and ends that are not in order',
        })
        .option('output', {
          alias: 'o',
          choices: ['text', 'wide', 'json'],
          default: 'text',
          describe: 'Format; wide has more columns, json has an object on each line',
        })
    },
    async values => {
      const { runTrace } = await import('./trace/run-trace.js')
      await runTrace({
        socket: textOf(values, 'status-socket')!,
        service: textOf(values, 'service'),
        namespace: values['all-namespaces'] === true ? undefined : textOf(values, 'namespace'),
        client: textOf(values, 'client'),
        pod: textOf(values, 'pod'),
        onlyFailures: values['failures'] === true,
        output: textOf(values, 'output') as 'text',
        version: VERSION,
      })
    },
  )
}
