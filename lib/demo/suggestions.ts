import { mkdir, rmdir, unlink, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { runCommand } from '../system/command.js'
import { DNS_SERVICE, SEARCH_DOMAIN } from './example-objects.js'
import { type LeftoverRecord } from './leftover-record.js'
import { type NetworkNamespace } from './network-namespace.js'
import { type Privileges } from './privileges.js'
import { type WalkthroughTarget } from './steps.js'
import { type Walkthrough } from './walkthrough.js'
import { type Teardown } from './teardown.js'

const RESOLV_CONF = `nameserver ${DNS_SERVICE.clusterIP}\nsearch ${SEARCH_DOMAIN}\n`

/** Makes names resolvable in the client Pod for programs that the learner starts, and says what there is to try. */
export async function printSuggestions(
  story: Walkthrough,
  subject: WalkthroughTarget,
  privileges: Privileges,
  teardown: Teardown,
  leftovers: LeftoverRecord,
): Promise<void> {
  const { cluster, terminal } = story
  if (privileges === 'root') await writeNamespaceResolvConf(cluster.client.namespace.name, teardown, leftovers)
  else await mountResolvConf(cluster.manifest)
  const enter = ({ name }: NetworkNamespace): string =>
    privileges === 'root'
      ? `ip netns exec ${name}`
      : `nsenter --preserve-credentials -U -m -t ${process.pid} nsenter --net=/run/netns/${name}`
  const client = enter(cluster.client.namespace)
  const node = enter(cluster.network.node)
  const [pod] = cluster.podsOf(subject.deployment.name)
  terminal.printHeading('Now you')
  terminal.printText(
    'The cluster stays until you press Ctrl-C. From another terminal' +
      (privileges === 'root' ? ', as root:' : ', as the same user:'),
  )
  terminal.printTable([
    ['TO SEE', 'TYPE'],
    ['who answers', `${client} curl -s http://${subject.service.name}:${subject.port.port}`],
    ...([['rules and counters', story.mode.rulesCommand], ...story.mode.suggestions] as const).map(
      ([what, command]) => [what, `${node} ${privileges === 'root' ? command : withProgramPath(command)}`],
    ),
    [
      'what a dead Pod does',
      `kill ${cluster.pods.find(({ name }) => name === pod?.name)?.process.pid}   (that is ${pod?.name})`,
    ],
    ['what a change does', `edit ${cluster.manifest} and save: kube-proxy reads it again`],
  ])
}

/** The command with the path of its program: the PATH of an ordinary user often leaves out /usr/sbin. */
function withProgramPath(command: string): string {
  const [program = '', ...args] = command.split(' ')
  const places = (process.env['PATH'] ?? '').split(delimiter).map(folder => join(folder, program))
  return [places.find(existsSync) ?? program, ...args].join(' ')
}

/** `ip netns exec` puts files of this folder over those in /etc. */
async function writeNamespaceResolvConf(name: string, teardown: Teardown, leftovers: LeftoverRecord): Promise<void> {
  const folder = `/etc/netns/${name}`
  leftovers.record({ emptyFolder: '/etc/netns' })
  leftovers.record({ folder })
  await mkdir(folder, { recursive: true })
  await teardown.add(async () => {
    await unlink(`${folder}/resolv.conf`)
    await rmdir(folder)
    // Ours only if nobody else has one.
    await rmdir('/etc/netns').catch(() => undefined)
  })
  await writeFile(`${folder}/resolv.conf`, RESOLV_CONF)
}

/** In a mount namespace of our own the whole /etc/resolv.conf may be another one. */
async function mountResolvConf(manifest: string): Promise<void> {
  const file = `${manifest}.resolv.conf`
  await writeFile(file, RESOLV_CONF)
  await runCommand('mount', ['--bind', file, '/etc/resolv.conf'], { timeoutMs: 5000 })
}
