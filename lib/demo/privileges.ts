import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter } from 'node:path'
import { ProxyFailure } from '../model/failure.js'
import { answerHostRequests } from './answer-host-requests.js'

/** Environment variable that is set when the program runs inside its own user namespace. */
const IN_USER_NAMESPACE = 'KUBE_PROXY_DEMO_INSIDE'
/** Each program that the demo needs, with the package that contains it. */
const REQUIRED_PROGRAMS = {
  ip: 'iproute2',
  iptables: 'iptables',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  sysctl: 'procps',
}
const SYSTEM_PATHS = ['/usr/sbin', '/sbin']

/** How the demo gets its privileges: it runs as root, or as root of its own user namespace. */
export type Privileges = 'root' | 'user namespace'

/**
 * Makes sure that the demo can create network namespaces. For an ordinary user this runs the program again inside a user
 * namespace and does not return. There the program has all rights over its own networks, and none over those of the machine.
 *
 * @param programs that must be there besides those of every demo, each with its package
 * @throws ProxyFailure PROGRAM_MISSING, or DEMO_IMPOSSIBLE with the reason
 */
export async function acquirePrivileges(programs: ReadonlyMap<string, string>): Promise<Privileges> {
  process.env['PATH'] = [process.env['PATH'] ?? '', ...SYSTEM_PATHS].join(delimiter)
  checkPrograms(programs)
  if (process.env[IN_USER_NAMESPACE] !== undefined) {
    // The names of network namespaces and the xtables lock are files in /run; an ordinary user may not write there.
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
 * Runs this program again in a user namespace and in its own session. Ctrl-C then reaches only this process, which forwards it
 * once and exits after the child has cleaned up. The child notices by the IPC channel if this process is killed.
 */
async function rerunInNamespace(unshare: readonly string[]): Promise<number> {
  const child = spawn('unshare', [...unshare, process.execPath, ...process.argv.slice(1)], {
    // Some commands read keys.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [IN_USER_NAMESPACE]: '1' },
    detached: true,
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  answerHostRequests(child)
  const [exitCode, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  return exitCode ?? 128 + (signal === null ? 0 : constants.signals[signal])
}

/** @param programs that must be there besides those of every demo, each with its package @throws ProxyFailure PROGRAM_MISSING */
export function checkPrograms(programs: ReadonlyMap<string, string>): void {
  for (const [program, name] of [...Object.entries(REQUIRED_PROGRAMS), ...programs])
    if (!hasProgram(program)) throw programMissing(program, name)
}

function hasProgram(program: string): boolean {
  return (
    (spawnSync(program, ['--version'], { stdio: 'ignore' }).error as NodeJS.ErrnoException | undefined)?.code !==
    'ENOENT'
  )
}

function programMissing(program: string, name: string): ProxyFailure {
  return new ProxyFailure('PROGRAM_MISSING', `The demo needs the program "${program}", but PATH does not contain it`, {
    hint: `Install the package "${name}" (Debian, Ubuntu: apt-get install ${name})`,
  })
}

function demoImpossible(why: string): ProxyFailure {
  return new ProxyFailure('DEMO_IMPOSSIBLE', `Cannot create a network namespace as an ordinary user: ${why}`, {
    hint: 'Run the demo as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0, kernel.apparmor_restrict_unprivileged_userns=0)',
  })
}

/** The kernel settings that forbid user namespaces here, as text for the error. */
function blockingSysctls(): string {
  const settings: readonly (readonly [string, (value: string) => boolean])[] = [
    ['kernel/unprivileged_userns_clone', value => value === '0'],
    ['user/max_user_namespaces', value => value === '0'],
    ['kernel/apparmor_restrict_unprivileged_userns', value => value === '1'],
  ]
  const blocking = settings.flatMap(([name, blocks]) => {
    try {
      const value = readFileSync(`/proc/sys/${name}`, 'utf8').trim()
      return blocks(value) ? [`${name.replace('/', '.')} is ${value}`] : []
    } catch {
      return []
    }
  })
  return blocking.length > 0 ? ` (${blocking.join(', ')})` : ''
}
