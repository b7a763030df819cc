import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Test } from 'tap'
import { type NetworkNamespace } from '../../../lib/demo/network-namespace.js'
import { type TeardownScope, WITHOUT_TAP_LOADER } from '../nodes/node-network.js'
import { type ContainerOptions, runInRoot } from './container.js'
import { type DebianRoot, provideDebianRoot } from './debian-root.js'
import { type Emulation, provideEmulation } from './emulator.js'
import { type ImageNode, downloadNode, provideImageNode } from './image-node.js'

const run = promisify(execFile)

/** The scripts of the image. */
export const STAGES = join(process.cwd(), 'deploy', 'image')

/** The instructions of the Dockerfile, each with its arguments in one line. */
export function readDockerfile(): { readonly instruction: string; readonly text: string }[] {
  const lines = readFileSync('Dockerfile', 'utf8').replaceAll('\\\n', ' ').split('\n')
  return lines
    .filter(line => /^[A-Z]+ /.test(line))
    .map(line => ({ instruction: line.split(' ')[0]!, text: line.replace(/^\S+\s+/, '').replaceAll(/\s+/g, ' ') }))
}

/** The major version of Node.js that the Dockerfile takes. */
export function nodeMajor(): string {
  const base = readDockerfile().find(({ text }) => text.startsWith('NODE_IMAGE='))
  return /:(\d+)-/.exec(base?.text ?? '')![1]!
}

/** The environment that the Dockerfile gives to its containers. */
export function imageEnvironment(): Record<string, string> {
  const variables = readDockerfile().filter(({ instruction }) => instruction === 'ENV')
  return Object.fromEntries(
    variables.flatMap(({ text }) => text.split(' ').map(part => part.split('=') as [string, string])),
  )
}

/** The image as the scripts of the Dockerfile make it, in layers, without a container engine. */
export class BuiltImage {
  /** The layer with Node.js and the program. */
  readonly layer: string
  /** Its Node.js, and where that is from. */
  readonly node: ImageNode
  readonly #debian: DebianRoot
  readonly #emulation: Emulation | undefined

  private constructor(debian: DebianRoot, layer: string, node: ImageNode, emulation: Emulation | undefined) {
    this.#debian = debian
    this.layer = layer
    this.node = node
    this.#emulation = emulation
  }

  /**
   * Builds it for this machine, and says in a comment which Node.js it has.
   * @returns the reason why the image cannot be built here, or the image
   */
  static async build(t: TeardownScope & Pick<Test, 'comment'>): Promise<BuiltImage | string> {
    const debian = await provideDebianRoot(STAGES)
    if (typeof debian === 'string') return debian
    return BuiltImage.#make(t, debian, await provideImageNode(nodeMajor()))
  }

  /**
   * Builds it for arm64 on a machine of another architecture: an emulator runs what runs in the image.
   * @returns the reason why the image cannot be built here, or the image
   */
  static async buildForArm64(t: TeardownScope & Pick<Test, 'comment'>): Promise<BuiltImage | string> {
    const emulation = await provideEmulation()
    if (typeof emulation === 'string') return emulation
    const node = await downloadNode(nodeMajor(), 'arm64')
    if (typeof node === 'string') return node
    const debian = await provideDebianRoot(STAGES, 'arm64', emulation)
    if (typeof debian === 'string') return debian
    return BuiltImage.#make(t, debian, node, emulation)
  }

  static async #make(
    t: TeardownScope & Pick<Test, 'comment'>,
    debian: DebianRoot,
    node: ImageNode,
    emulation?: Emulation,
  ): Promise<BuiltImage | string> {
    const folder = mkdtempSync(join(tmpdir(), 'kube-proxy-image-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    const image = new BuiltImage(debian, join(folder, 'layer'), node, emulation)
    mkdirSync(join(image.layer, 'usr/local/bin'), { recursive: true })
    await run('env', [...WITHOUT_TAP_LOADER, join(STAGES, 'build.sh'), image.layer])
    copyFileSync(node.program, join(image.layer, 'usr/local/bin/node'))
    try {
      t.comment(`Node.js ${await image.nodeVersion()} of the image is from ${node.origin}`)
    } catch (error) {
      return `the Node.js of the image, from ${node.origin}, does not run in Debian 12: ${String(error)}`
    }
    const mounts = [{ source: STAGES, target: '/stages' }]
    for (const script of ['fill-compile-cache.sh', 'complete-sbom.sh']) {
      // In a network of its own: the first script starts the proxy.
      const command = ['unshare', '--net', `/stages/${script}`]
      await runInRoot({ ...image.containerOptions(command), upper: image.layer, mounts, lower: [debian.folder] })
    }
    return image
  }

  /** The folders of its layers, the uppermost first. */
  get layers(): readonly string[] {
    return [this.layer, this.#debian.folder]
  }

  /** The version of its Node.js, as in `v24.1.0`. */
  async nodeVersion(): Promise<string> {
    return (await this.run('node', '--version')).trim()
  }

  /** Options of a container that runs a command. */
  containerOptions(command: readonly string[], network?: NetworkNamespace): ContainerOptions {
    return {
      lower: this.layers,
      env: imageEnvironment(),
      network,
      command,
      emulation: this.#emulation,
    }
  }

  /** Runs a command of the image to its end, with a read-only root file system. */
  run(...command: readonly string[]): Promise<string> {
    return runInRoot(this.containerOptions(command))
  }

  /** The size of all layers, as a registry has them. */
  async compressedBytes(): Promise<number> {
    const { stdout } = await run('sh', ['-c', 'tar -C "$0" -c . | gzip | wc -c', this.layer])
    return this.#debian.compressedBytes + Number(stdout)
  }
}
