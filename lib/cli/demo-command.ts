import { type Argv } from 'yargs'
import { type FlagValues } from '../config/flag-settings.js'
import { parseBool } from '../config/parse-bool.js'
import { ProxyFailure } from '../model/failure.js'
import { MODES } from '../modes/registry.js'
import { parseInteger } from '../primitives/parse-integer.js'
import { lastValue } from './arguments.js'
import { quoteValue } from '../primitives/quote-value.js'

/** The kernel chooses a port. */
const DEFAULT_PORT = '0'

/** Adds the command `kube-proxy demo`. It loads the code of the demo only when the command runs. */
export function addDemoCommand(parser: Argv, setExitCode: (code: number) => void): void {
  parser.command(
    'demo',
    'Show how Services work, in a small cluster of network namespaces on this machine',
    command =>
      command
        .option('proxy-mode', {
          choices: MODES.map(({ name }) => name),
          default: MODES[0]!.name,
          describe: 'Proxy mode of the demo; the steps are the same in all modes',
        })
        .option('keep', { describe: 'Keep the cluster running after the last step, until Ctrl-C' })
        .option('page', {
          describe:
            'Show the page of the proxy, with clients that send requests and levers that change the cluster, until Ctrl-C',
        })
        .option('page-port', {
          type: 'string',
          requiresArg: true,
          default: DEFAULT_PORT,
          describe: 'Port of loopback for the page; 0: one that is free',
        })
        .option('manifest', {
          type: 'string',
          requiresArg: true,
          describe: 'YAML file with your own Deployments and Services',
        }),
    async values => {
      const keep = readSwitch('keep', lastValue(values.keep as FlagValues[string]))
      const manifest = lastValue(values.manifest) as string | undefined
      const mode = lastValue(values['proxy-mode']) as string
      if (readSwitch('page', lastValue(values.page as FlagValues[string]))) {
        if (keep || manifest !== undefined)
          throw new ProxyFailure('CONFIG_INVALID', '--page shows the example, and keeps it running', {
            hint: 'Leave out --keep and --manifest',
          })
        const port = portOf(lastValue(values['page-port']) as string)
        const { runDemoPage } = await import('../demo-page/run-demo-page.js')
        return setExitCode(await runDemoPage({ mode, port }))
      }
      const port = lastValue(values['page-port']) as string
      if (port !== DEFAULT_PORT)
        throw new ProxyFailure('CONFIG_INVALID', `--page-port ${quoteValue(port)}: there is no page without --page`, {
          hint: 'Add --page, or leave out --page-port',
        })
      const { runDemo } = await import('../demo/run-demo.js')
      setExitCode(await runDemo({ keep, manifest, mode }))
    },
  )
}

function readSwitch(name: string, value: string | boolean | undefined): boolean {
  const read = typeof value === 'string' ? parseBool(value) : (value ?? false)
  if (read !== undefined) return read
  throw new ProxyFailure('CONFIG_INVALID', `--${name} ${quoteValue(value)}: expected true or false`, {
    hint: 'See kube-proxy demo --help',
  })
}

function portOf(text: string): number {
  const port = parseInteger(text)
  if (port !== undefined && port >= 0 && port <= 65535) return port
  throw new ProxyFailure('CONFIG_INVALID', `--page-port ${quoteValue(text)}: expected a port from 0 to 65535`, {
    hint: 'See kube-proxy demo --help',
  })
}
