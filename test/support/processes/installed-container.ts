import { once } from 'node:events'
import { type Test } from 'tap'
import { type BuiltImage } from '../image/built-image.js'
import { Container } from '../image/container.js'
import { type NodeNetwork } from '../nodes/node-network.js'
import { type Installer, type ServerCertificate, waitUntilReady, writeInstallerFiles } from './installed-proxy.js'
import { type InstallerMount, makeInstallerMounts, mountOtherFiles } from './installer-mounts.js'

/** In the place of the flags of the command line. */
const FLAGS = '...'

/** The command of the container: what the installer starts, with the flags of its command line. */
export function containerCommand({ container, command }: Installer): readonly string[] {
  if (container === undefined) return command
  const flags = command.slice(1)
  const words = [...container.command, ...(container.args ?? [])]
  return words.flatMap(word => (word === FLAGS ? flags : [word.replace(FLAGS, flags.join(' '))]))
}

/** The image as an installer starts it: with its command, environment and mounts. */
export class InstalledContainer {
  readonly mounts: readonly InstallerMount[]
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>
  readonly #container: Container
  readonly #network: NodeNetwork
  readonly #output: string[] = []

  /**
   * @param certificate of the API server at 127.0.0.1:6443
   * @param capabilities those of a container without `privileged`; left out: it has all rights
   */
  constructor(
    t: Test,
    image: BuiltImage,
    network: NodeNetwork,
    installer: Installer,
    certificate: ServerCertificate,
    capabilities?: readonly string[],
  ) {
    const root = writeInstallerFiles(t, installer, certificate)
    this.mounts = makeInstallerMounts(t, installer, root)
    this.#network = network
    const options = image.containerOptions(containerCommand(installer), network.node)
    this.#container = new Container({
      ...options,
      env: { ...options.env, ...installer.env },
      mounts: [...this.mounts, ...mountOtherFiles(root, this.mounts)],
      memory: ['/tmp'],
      capabilities,
    })
    const { child } = this.#container
    t.teardown(() => child.kill('SIGKILL'))
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => this.#output.push(text))
    this.ended = once(child, 'close').then(([code]: (number | null)[]) => code ?? null)
  }

  /** What it has written to standard output and standard error. */
  get output(): string {
    return this.#output.join('')
  }

  /** Resolves with 0 when the program says that it serves; with its exit code if it ends before. */
  ready(): Promise<number | null> {
    return waitUntilReady(this.#network, this.ended)
  }

  /** Runs a program in it. */
  exec(command: readonly string[]): Promise<{ exitCode: number | null; output: string }> {
    return this.#container.exec(command)
  }

  /** Sends SIGTERM and resolves with the exit code. */
  stop(): Promise<number | null> {
    return this.#container.stop()
  }
}
