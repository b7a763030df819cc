import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { waitUntil } from '../dataplane/plane-under-test.js'
import { type NetworkNamespace } from '../../../lib/demo/network-namespace.js'
import { WITHOUT_TAP_LOADER } from '../nodes/node-network.js'
import { type Emulation } from './emulator.js'

/** The source of the script is beside the source of this file. */
const SCRIPT = fileURLToPath(new URL('../../../../test/support/image/container.sh', import.meta.url))

/** A folder or file of this machine in the container. */
export interface Mount {
  readonly source: string
  readonly target: string
  readonly readOnly?: boolean
}

/** What a container consists of. */
export interface ContainerOptions {
  /** The layers of its root file system that it only reads, the uppermost first. */
  readonly lower: readonly string[]
  /** The layer that it writes to; left out: the root file system is read-only, as with `readOnlyRootFilesystem`. */
  readonly upper?: string | undefined
  readonly mounts?: readonly Mount[] | undefined
  /** Folders of memory. */
  readonly memory?: readonly string[] | undefined
  /** Its capabilities, such as NET_ADMIN; left out: all. With a list, `/proc/sys` is read-only, as in a container without `privileged`. */
  readonly capabilities?: readonly string[] | undefined
  /** Needs `capabilities`. Left out: root. Another user has only capabilities that are ambient; Kubernetes gives it none of them. */
  readonly user?: { readonly id: number; readonly ambient: boolean } | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  /** How to start its programs, if they are for another architecture; left out: they are for this machine. */
  readonly emulation?: Emulation | undefined
  /** Left out: the network of the test. */
  readonly network?: NetworkNamespace | undefined
  readonly command: readonly string[]
}

/**
 * A container as a container runtime makes it, with the kernel's own means: namespaces for mounts and processes, a root file system of
 * layers, capabilities. All of it is gone when its first process ends.
 */
export class Container {
  readonly child: ChildProcess
  readonly #options: ContainerOptions

  constructor(options: ContainerOptions) {
    this.#options = options
    this.child = start(containerWords(options, SCRIPT), options)
  }

  /** The pid of its first process, as this machine sees it. */
  async pid(): Promise<number> {
    const { pid } = this.child
    const children = (): string => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    await waitUntil(() => this.child.exitCode !== null || children() !== '', 'the container has a process')
    return Number(children().split(' ')[0])
  }

  /** Runs a program in the running container, as an exec probe does. */
  async exec(command: readonly string[]): Promise<{ exitCode: number | null; output: string }> {
    const pid = await this.pid()
    const entered = ['nsenter', '--target', String(pid), '--mount', '--pid', '--net', '--root', '--wd']
    const child = start([...entered, ...limited(this.#options), ...command], this.#options)
    const ended = once(child, 'close')
    const [out, err] = await Promise.all([text(child.stdout!), text(child.stderr!)])
    const [exitCode] = (await ended) as [number | null]
    return { exitCode, output: out + err }
  }

  /** Sends a signal to its first process. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    process.kill(await this.pid(), signal)
  }

  /** Sends SIGTERM and resolves with the exit code. */
  async stop(): Promise<number | null> {
    const ended = once(this.child, 'exit')
    await this.kill('SIGTERM')
    return ((await ended) as [number | null])[0]
  }
}

/**
 * The command line that starts a container, without its environment.
 * @param script the path of container.sh
 */
export function containerWords(options: ContainerOptions, script: string): readonly string[] {
  return [...unshared(options), 'sh', script, ...scriptArguments(options)]
}

/** Runs one command in a container to its end. @throws Error unless its exit code is 0 */
export async function runInRoot(options: ContainerOptions): Promise<string> {
  const { child } = new Container(options)
  const ended = once(child, 'close')
  const [out, err] = await Promise.all([text(child.stdout!), text(child.stderr!)])
  const [exitCode] = (await ended) as [number | null]
  if (exitCode !== 0) throw new Error(`"${options.command.join(' ')}" ended with exit code ${exitCode}: ${out}${err}`)
  return out
}

function start(command: readonly string[], { env = {} }: ContainerOptions): ChildProcess {
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  return spawn('env', [...WITHOUT_TAP_LOADER, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: path, ...env },
  })
}

function unshared({ network, emulation = [] }: ContainerOptions): string[] {
  const net = network === undefined ? [] : ['nsenter', `--net=/run/netns/${network.name}`]
  return [...net, ...emulation, 'unshare', '--mount', '--pid', '--fork', '--kill-child']
}

/** As container.sh expects them. */
function scriptArguments(options: ContainerOptions): string[] {
  const { lower, upper = '', mounts = [], memory = [], capabilities, emulation = [], command } = options
  return [
    lower.join(':'),
    upper,
    emulation.length === 0 ? 'own' : 'shared',
    ...mounts.flatMap(({ source, target, readOnly = true }) => [source, target, readOnly ? 'ro' : 'rw']),
    '--',
    ...memory,
    '--',
    capabilities === undefined ? 'rw' : 'ro',
    ...limited(options),
    ...command,
  ]
}

function limited({ capabilities, user }: ContainerOptions): string[] {
  if (capabilities === undefined) return []
  const set = ['-all', ...capabilities.map(name => `+${name.toLowerCase()}`)].join(',')
  const ids = user === undefined ? [] : [`--reuid=${user.id}`, `--regid=${user.id}`, '--clear-groups']
  const ambient = user?.ambient === true ? [`--inh-caps=${set}`, `--ambient-caps=${set}`] : []
  return ['setpriv', `--bounding-set=${set}`, ...ambient, ...ids, '--no-new-privs']
}
