import { type Argv } from 'yargs'
import { MODES } from '../modes/registry.js'

/** `kube-proxy demo`. The demo itself is loaded only when it is asked for. */
export function addDemoCommand(parser: Argv, setExitCode: (code: number) => void): void {
  parser.command(
    'demo',
    'See Services work: a small cluster in network namespaces on this machine',
    command =>
      command
        .option('proxy-mode', {
          choices: MODES.map(({ name }) => name),
          default: MODES[0]!.name,
          describe: 'The way that traffic takes: the same story, told by other rules',
        })
        .option('keep', { type: 'boolean', describe: 'Leave the cluster running at the end, until Ctrl-C' })
        .option('manifest', {
          type: 'string',
          requiresArg: true,
          describe: 'Your own Deployment and Service, in one YAML file',
        }),
    async ({ keep, manifest, 'proxy-mode': mode }) => {
      const { runDemo } = await import('../demo/run-demo.js')
      setExitCode(await runDemo({ keep: keep === true, manifest, mode }))
    },
  )
}
