import { hostname } from 'node:os'
import { type Argv } from 'yargs'
import { type FlagValues } from '../config/flag-settings.js'
import { FLAGS } from '../config/options.js'
import { loadConfig } from '../control/load-config.js'
import { VERSION } from '../control/version.js'
import { parseIp } from '../model/address.js'
import { ProxyFailure } from '../model/failure.js'
import { MODES } from '../modes/registry.js'
import { parseInteger } from '../primitives/parse-integer.js'
import { quoteValue } from '../primitives/quote-value.js'
import { serviceName } from '../doctor/service-name.js'
import { lastValue } from './arguments.js'

const EXAMPLES: readonly (readonly [command: string, meaning: string])[] = [
  ['$0 doctor svc/web', 'what is wrong with a Service, as the proxy and the kernel see it'],
  ['$0 doctor svc/web -n shop --kubeconfig ~/.kube/config', 'with its selector and its Pods'],
  ['$0 doctor svc/web --from 203.0.113.9', 'for one client'],
]

const MAX_PATIENCE = 600

/** Adds the command `kube-proxy doctor`. It loads the code only when the command runs. */
export function addDoctorCommand(parser: Argv, setExitCode: (code: number) => void): void {
  parser.command(
    'doctor <service>',
    'Say what is wrong with a Service, with proof and what to do; changes nothing',
    command => {
      for (const [example, meaning] of EXAMPLES) command.example(example, meaning)
      return command
        .positional('service', { type: 'string', describe: 'svc/NAME, NAME or NAMESPACE/NAME' })
        .option('namespace', {
          alias: 'n',
          type: 'string',
          default: 'default',
          requiresArg: true,
          describe: 'Namespace of a Service that is named without one',
        })
        .option('from', {
          type: 'string',
          requiresArg: true,
          describe: 'Address of the client that cannot reach the Service; left out: one client of each kind',
        })
        .option('kubeconfig', {
          type: 'string',
          requiresArg: true,
          describe: 'Kubeconfig of a user who may read Services, EndpointSlices and Pods',
        })
        .option('manifests', {
          type: 'string',
          array: true,
          requiresArg: true,
          describe: 'Files or folders with Services, EndpointSlices and Pods, instead of --kubeconfig',
        })
        .option('status-socket', {
          type: 'string',
          requiresArg: true,
          default: FLAGS.find(({ name }) => name === 'status-socket')?.default,
          describe: 'Unix socket of the proxy',
        })
        .option('hostname-override', {
          type: 'string',
          requiresArg: true,
          describe:
            'Name of this node; left out: that of the machine. Without a running proxy, it decides which endpoints are local',
        })
        .option('cluster-domain', {
          type: 'string',
          requiresArg: true,
          describe: 'Domain of the cluster DNS; left out: that of /etc/resolv.conf, else cluster.local',
        })
        .option('patience', {
          type: 'string',
          requiresArg: true,
          default: '1',
          describe: 'Seconds that an endpoint or the DNS may take to answer, from 1 to 600',
        })
        .option('output', {
          alias: 'o',
          choices: ['text', 'wide', 'json'],
          default: 'text',
          describe: 'Format; wide shows what is fine, too',
        })
        .option('verbose', { alias: 'v', type: 'boolean', describe: 'The same as -o wide' })
    },
    async values => {
      const given = values as unknown as Readonly<Record<string, FlagValues[string]>>
      const text = (name: string): string | undefined => {
        const value = lastValue(given[name])
        return value === undefined ? undefined : String(value)
      }
      const name = serviceName(text('service') ?? '', text('namespace') ?? '')
      const manifests = textList(given['manifests'])
      const kubeconfig = text('kubeconfig') ?? ''
      if (manifests.length > 0 && kubeconfig !== '')
        throw new ProxyFailure('DOCTOR_INVALID', '--kubeconfig and --manifests are both given', {
          hint: 'Give one of them',
        })
      const host = text('hostname-override')
      const flags: FlagValues = host === undefined ? {} : { 'hostname-override': host }
      const { config, problems } = await loadConfig(flags, hostname(), MODES)
      if (problems.length > 0)
        throw new ProxyFailure('CONFIG_INVALID', problems.join('\n'), { hint: 'See kube-proxy doctor --help' })
      const { runDoctor } = await import('./doctor/run-doctor.js')
      const output = given['verbose'] === true && text('output') === 'text' ? 'wide' : (text('output') as 'text')
      setExitCode(
        await runDoctor({
          ...{ name, kubeconfig, manifests, output, config },
          client: clientOf(text('from')),
          socket: text('status-socket')!,
          domain: text('cluster-domain'),
          patienceMs: 1000 * patienceOf(text('patience') ?? ''),
          version: VERSION,
        }),
      )
    },
  )
}

function clientOf(text: string | undefined) {
  if (text === undefined) return undefined
  const address = parseIp(text)
  if (address !== undefined) return address
  throw new ProxyFailure('DOCTOR_INVALID', `--from ${quoteValue(text)}: expected an IP address`, {
    hint: 'Name the address of the client, such as --from 203.0.113.9',
  })
}

function patienceOf(text: string): number {
  const seconds = parseInteger(text)
  if (seconds !== undefined && seconds >= 1 && seconds <= MAX_PATIENCE) return seconds
  throw new ProxyFailure(
    'DOCTOR_INVALID',
    `--patience ${quoteValue(text)}: expected seconds from 1 to ${MAX_PATIENCE}`,
    {
      hint: 'Use more on a slow node, such as --patience 5',
    },
  )
}

function textList(value: FlagValues[string]): readonly string[] {
  const all = Array.isArray(value) ? value.map(String) : value === undefined ? [] : [String(value)]
  return all.flatMap(text => text.split(','))
}
