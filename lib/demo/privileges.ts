import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter } from 'node:path'
import { ProxyFailure } from '../model/failure.js'

/** Set for the run inside a user namespace of our own. */
const IN_USER_NAMESPACE = 'KUBE_PROXY_DEMO_INSIDE'
/** Program to the package that brings it. */
const REQUIRED_PROGRAMS = {
  ip: 'iproute2',
  iptables: 'iptables',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  sysctl: 'procps',
}
const SYSTEM_PATHS = ['/usr/sbin', '/sbin']

/** Whose rights the demo uses: root's, or those of an ordinary user who is root in a namespace of his own. */
export type Privileges = 'root' | 'user namespace'

/**
 * Makes sure that network namespaces can be made. As an ordinary user this starts the program again inside a user
 * namespace and does not return: there it has all rights over networks of its own, and none over the machine's.
 *
 * @throws ProxyFailure PROGRAM_MISSING, or DEMO_IMPOSSIBLE with what is in the way
 */
export async function acquirePrivileges(): Promise<Privileges> {
  process.env['PATH'] = [process.env['PATH'] ?? '', ...SYSTEM_PATHS].join(delimiter)
  checkPrograms()
  if (process.env[IN_USER_NAMESPACE] !== undefined) {
    // Names of network namespaces and the xtables lock are files in /run, where an ordinary user may not write.
    const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run'], { encoding: 'utf8' })
    if (status !== 0) throw demoImpossible(`cannot mount a private /run: ${stderr.trim()}`)
    return 'user namespace'
  }
  if (process.getuid?.() === 0) return 'root'
  if (!hasProgram('unshare')) throw programMissing('unshare', 'util-linux')
  const unshare = ['--user', '--map-root-user', '--net', '--mount']
  const probe = spawnSync('unshare', [...unshare, 'true'], { encoding: 'utf8' })
  if (probe.status !== 0) throw demoImpossible(`${probe.stderr.trim()}${blockingSysctls()}`)
  process.exit(await rerunInNamespace(unshare))
}

/**
 * Runs this program again inside, in a session of its own: Ctrl-C comes to us and we pass it on, once, so that we end when
 * it has cleaned up and not before. Through the channel it notices when we are killed.
 */
async function rerunInNamespace(unshare: readonly string[]): Promise<number> {
  const child = spawn('unshare', [...unshare, process.execPath, ...process.argv.slice(1)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [IN_USER_NAMESPACE]: '1' },
    detached: true,
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  const [exitCode, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  return exitCode ?? 128 + (signal === null ? 0 : constants.signals[signal])
}

function checkPrograms(): void {
  for (const [program, name] of Object.entries(REQUIRED_PROGRAMS))
    if (!hasProgram(program)) throw programMissing(program, name)
}

function hasProgram(program: string): boolean {
  return (
    (spawnSync(program, ['--version'], { stdio: 'ignore' }).error as NodeJS.ErrnoException | undefined)?.code !==
    'ENOENT'
  )
}

function programMissing(program: string, name: string): ProxyFailure {
  return new ProxyFailure('PROGRAM_MISSING', `The demo needs the program "${program}", which is not in PATH`, {
    hint: `Install the package "${name}" (Debian, Ubuntu: apt-get install ${name})`,
  })
}

function demoImpossible(why: string): ProxyFailure {
  return new ProxyFailure('DEMO_IMPOSSIBLE', `Cannot make a network of one's own as an ordinary user: ${why}`, {
    hint: 'Run the demo as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0, kernel.apparmor_restrict_unprivileged_userns=0)',
  })
}

/** The switches that forbid user namespaces on some systems. */
function blockingSysctls(): string {
  const forbids: readonly (readonly [string, (value: string) => boolean])[] = [
    ['kernel/unprivileged_userns_clone', value => value === '0'],
    ['user/max_user_namespaces', value => value === '0'],
    ['kernel/apparmor_restrict_unprivileged_userns', value => value === '1'],
  ]
  const found = forbids.flatMap(([name, isInTheWay]) => {
    try {
      const value = readFileSync(`/proc/sys/${name}`, 'utf8').trim()
      return isInTheWay(value) ? [`${name.replace('/', '.')} is ${value}`] : []
    } catch {
      return []
    }
  })
  return found.length > 0 ? ` (${found.join(', ')})` : ''
}
