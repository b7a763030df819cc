import { hostname } from 'node:os'
import { type Argv } from 'yargs'
import { type FlagValues, isList } from '../config/flag-settings.js'
import { FLAGS } from '../config/options.js'
import { loadConfig } from '../control/load-config.js'
import { VERSION } from '../control/version.js'
import { ProxyFailure } from '../model/failure.js'
import { MODES } from '../modes/registry.js'
import { lastValue } from './arguments.js'

/** Flags of the proxy that change where packets go: `explain` takes them too. */
const PROXY_FLAGS = [
  ...['config', 'proxy-mode', 'hostname-override', 'manifests', 'bind-address', 'cluster-cidr', 'detect-local-mode'],
  ...['pod-bridge-interface', 'pod-interface-name-prefix', 'nodeport-addresses', 'iptables-localhost-nodeports'],
  ...['source-ranges-at-nodeports', 'allow-node-address-endpoints', 'masquerade-all', 'iptables-masquerade-bit'],
  ...['ipvs-scheduler', 'proxy-port-range', 'status-socket'],
]
const EXAMPLES: readonly (readonly [command: string, meaning: string])[] = [
  ['$0 explain pod/10.244.0.2 nginx-service:80', 'from a Pod to a Service'],
  ['$0 explain outside 192.168.50.1:30080', 'from a host outside to a node port'],
  ['$0 explain node svc/shop/web:http', 'from the node itself to a Service of a namespace, by the name of its port'],
  ['$0 explain node web:80 --manifests all.yaml', 'to a Service: by its objects, without a cluster'],
]

/** Adds the command `kube-proxy explain`. It loads the code only when the command runs. */
export function addExplainCommand(parser: Argv): void {
  parser.command(
    'explain <from> <to> [then]',
    'Explain where a packet goes and why, step by step; changes nothing',
    command => {
      for (const flag of FLAGS.filter(({ name }) => PROXY_FLAGS.includes(name)))
        command.option(flag.name, {
          ...(flag.kind !== 'switch' && { type: 'string' as const }),
          array: isList(flag),
          group: 'Like the flags of the proxy:',
          describe: flag.help.replace('{modes}', MODES.map(({ name }) => name).join(', ')),
          requiresArg: flag.kind !== 'switch',
        })
      for (const [example, meaning] of EXAMPLES) command.example(example, meaning)
      return command
        .positional('from', {
          type: 'string',
          describe: 'Sender: pod/IP, node, outside, outside/IP, or an address',
        })
        .positional('to', {
          type: 'string',
          describe: 'Destination: NAME:PORT, NAMESPACE/NAME:PORT or IP:PORT, with /udp or /sctp if it has to be named',
        })
        .positional('then', {
          type: 'string',
          describe: 'TO, if FROM is two words, such as: outside 192.0.2.9',
          hidden: true,
        })
        .option('namespace', {
          alias: 'n',
          type: 'string',
          default: 'default',
          requiresArg: true,
          describe: 'Namespace of a Service that is named without one',
        })
        .option('output', {
          alias: 'o',
          choices: ['text', 'wide', 'json'],
          default: 'text',
          describe: 'Format; wide shows each rule as iptables-save prints it',
        })
        .option('rules', {
          choices: ['kernel', 'plan'],
          describe:
            'Rules to follow without asking the proxy: those in the kernel of this node, or those that it would write for the given objects (default if there are some)',
        })
        .option('node-address', {
          type: 'string',
          array: true,
          requiresArg: true,
          describe: 'With --rules=plan: address of the node; by default that of its Node object',
        })
        .option('pod-cidr', {
          type: 'string',
          array: true,
          requiresArg: true,
          describe: 'With --rules=plan: range of the Pods of the node; by default that of its Node object',
        })
    },
    async values => {
      const given = values as unknown as Readonly<Record<string, FlagValues[string]>>
      const flags = Object.fromEntries(
        PROXY_FLAGS.filter(name => given[name] !== undefined).map(name => [
          name,
          FLAGS.some(flag => flag.name === name && isList(flag)) ? given[name] : lastValue(given[name]),
        ]),
      )
      const { config, problems } = await loadConfig(flags, hostname(), MODES)
      if (problems.length > 0)
        throw new ProxyFailure('CONFIG_INVALID', problems.join('\n'), { hint: 'See kube-proxy explain --help' })
      const text = (name: string): string => String(lastValue(given[name]) ?? '')
      const { runExplain } = await import('./explain/run-explain.js')
      await runExplain({
        // `outside 192.0.2.9 nginx:80` is `outside/192.0.2.9 nginx:80`.
        from: given['then'] === undefined ? text('from') : `${text('from')}/${text('to')}`,
        to: text(given['then'] === undefined ? 'to' : 'then'),
        namespace: text('namespace'),
        output: text('output') as 'text',
        rules: given['rules'] === undefined ? undefined : (text('rules') as 'plan'),
        isNodeNamed: flags['hostname-override'] !== undefined,
        nodeAddresses: textList(given['node-address']),
        podRanges: textList(given['pod-cidr']),
        config,
        version: VERSION,
      })
    },
  )
}

function textList(value: FlagValues[string]): readonly string[] {
  const all = Array.isArray(value) ? value.map(String) : value === undefined ? [] : [String(value)]
  return all.flatMap(text => text.split(','))
}
