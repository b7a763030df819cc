import { mkdir, rmdir, unlink, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ProxyFailure } from '../model/failure.js'
import { runCommand } from '../system/command.js'
import { DNS_SERVICE, SEARCH_DOMAIN } from './example-objects.js'
import { type LeftoverRecord } from './leftover-record.js'
import { type NetworkNamespace } from './network-namespace.js'
import { type Privileges } from './privileges.js'
import { type WalkthroughTarget } from './steps.js'
import { type Walkthrough } from './walkthrough.js'
import { type Teardown } from './teardown.js'

const RESOLV_CONF = `nameserver ${DNS_SERVICE.clusterIP}\nsearch ${SEARCH_DOMAIN}\n`

/** Makes names of Services resolvable in the client Pod for programs that the user starts, and prints commands to try. */
export async function printSuggestions(
  walkthrough: Walkthrough,
  target: WalkthroughTarget,
  privileges: Privileges,
  teardown: Teardown,
  leftovers: LeftoverRecord,
): Promise<void> {
  const { cluster, terminal } = walkthrough
  if (privileges === 'root') await writeNamespaceResolvConf(cluster.client.namespace.name, teardown, leftovers)
  else await mountResolvConf(cluster.manifest)
  const enter = ({ name }: NetworkNamespace): string =>
    privileges === 'root'
      ? `ip netns exec ${name}`
      : `nsenter --preserve-credentials -U -m -t ${process.pid} nsenter --net=/run/netns/${name}`
  const client = enter(cluster.client.namespace)
  const node = enter(cluster.network.node)
  const [pod] = cluster.podsOf(target.deployment.name)
  terminal.printHeading('Your turn')
  terminal.printText(
    'The cluster runs until you press Ctrl-C. Type these commands in another terminal' +
      (privileges === 'root' ? ', as root:' : ', as the same user:'),
  )
  terminal.printTable([
    ['TO SEE', 'TYPE'],
    ['which Pod answers', `${client} curl -s http://${target.service.name}:${target.port.port}`],
    ...([['rules and counters', walkthrough.mode.rulesCommand], ...walkthrough.mode.suggestions] as const).map(
      ([what, command]) => [what, `${node} ${privileges === 'root' ? command : withProgramPath(command)}`],
    ),
    ['a Pod that dies', `kill ${cluster.pods.find(({ name }) => name === pod?.name)?.process.pid}   (${pod?.name})`],
    ['a change of objects', `edit ${cluster.manifest} (kube-proxy reads it again)`],
  ])
}

/** The command with the full path of its program: the PATH of an ordinary user often does not contain /usr/sbin. */
function withProgramPath(command: string): string {
  const [program = '', ...args] = command.split(' ')
  const paths = (process.env['PATH'] ?? '').split(delimiter).map(folder => join(folder, program))
  return [paths.find(existsSync) ?? program, ...args].join(' ')
}

/** `ip netns exec` mounts the files of this folder over the files in /etc. */
async function writeNamespaceResolvConf(name: string, teardown: Teardown, leftovers: LeftoverRecord): Promise<void> {
  const folder = `/etc/netns/${name}`
  leftovers.record({ emptyFolder: '/etc/netns' })
  leftovers.record({ folder })
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    const hint = 'Run the demo on a root file system that can be written'
    throw new ProxyFailure('DEMO_IMPOSSIBLE', `Cannot create "${folder}"`, { cause, hint })
  })
  await teardown.add(async () => {
    await unlink(`${folder}/resolv.conf`)
    await rmdir(folder)
    // Fails if another program has files in it.
    await rmdir('/etc/netns').catch(() => undefined)
  })
  await writeFile(`${folder}/resolv.conf`, RESOLV_CONF)
}

/** Replaces /etc/resolv.conf, which is possible in the demo's own mount namespace. */
async function mountResolvConf(manifest: string): Promise<void> {
  const file = `${manifest}.resolv.conf`
  await writeFile(file, RESOLV_CONF)
  await runCommand('mount', ['--bind', file, '/etc/resolv.conf'], { timeoutMs: 5000 })
}
