import { type Argv } from 'yargs'
import { MODES } from '../modes/registry.js'

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
        .option('keep', { type: 'boolean', describe: 'Keep the cluster running after the last step, until Ctrl-C' })
        .option('manifest', {
          type: 'string',
          requiresArg: true,
          describe: 'YAML file with your own Deployments and Services',
        }),
    async ({ keep, manifest, 'proxy-mode': mode }) => {
      const { runDemo } = await import('../demo/run-demo.js')
      setExitCode(await runDemo({ keep: keep === true, manifest, mode }))
    },
  )
}
