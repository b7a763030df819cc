import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Architecture, OWN_ARCHITECTURE } from './architecture.js'
import { cacheFolder } from './cache-folder.js'
import { runInRoot } from './container.js'
import { type Emulation } from './emulator.js'

const run = promisify(execFile)

/** The release of the image's base, and the script of the image that installs packages on it. */
const RELEASE = 'bookworm'
const PACKAGES_SCRIPT = 'install-packages.sh'
/** An option of dpkg, and the file that sets it. */
const UNSAFE_IO = 'force-unsafe-io'
const DEFAULT_MIRROR = 'http://deb.debian.org/debian'
const MIRROR_TIMEOUT_MS = 10_000
const MAX_OUTPUT_BYTES = 50_000_000

/** A root folder with Debian and the packages of the image. Tests must not write to it: it stays for the next run. */
export interface DebianRoot {
  readonly folder: string
  /** Its size as a compressed layer of an image. */
  readonly compressedBytes: number
}

/**
 * The root folder that the image has before the program is there: Debian, and what the script of the image installs. Made once for
 * each version of that script and each architecture, and kept in the user's cache.
 * @param stages the folder of the image's scripts
 * @param emulation how to start programs of the architecture, if it is not that of this machine
 * @returns the reason why it cannot be made here, or the root folder
 */
export async function provideDebianRoot(
  stages: string,
  architecture: Architecture = OWN_ARCHITECTURE,
  emulation: Emulation = [],
): Promise<DebianRoot | string> {
  const script = readFileSync(join(stages, PACKAGES_SCRIPT))
  const key = createHash('sha256').update(RELEASE).update(script).digest('hex').slice(0, 16)
  const kept = join(
    cacheFolder(),
    architecture === OWN_ARCHITECTURE ? `${RELEASE}-${key}` : `${RELEASE}-${architecture}-${key}`,
  )
  if (!existsSync(kept)) {
    if (!(await hasDebootstrap())) return 'needs the Debian package debootstrap'
    const mirror = await findMirror()
    if (mirror === undefined) return `cannot reach a Debian mirror, also not ${DEFAULT_MIRROR}`
    const folder = `${kept}.${process.pid}`
    try {
      await make(folder, mirror, stages, architecture, emulation)
      keep(folder, kept)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  const compressedBytes = Number(readFileSync(join(kept, 'compressed-bytes'), 'utf8'))
  return { folder: join(kept, 'root'), compressedBytes }
}

async function make(
  folder: string,
  mirror: string,
  stages: string,
  architecture: Architecture,
  emulation: Emulation,
): Promise<void> {
  const root = join(folder, 'root')
  const settings = join(root, 'etc', 'dpkg', 'dpkg.cfg.d')
  mkdirSync(settings, { recursive: true })
  // dpkg otherwise waits for the disk after every file. Nothing is lost with a root folder that is half made.
  writeFileSync(join(settings, UNSAFE_IO), `${UNSAFE_IO}\n`)
  const debootstrap = ['debootstrap', `--arch=${architecture}`, '--variant=minbase', RELEASE, root, mirror]
  // In a user namespace there are no device files. debootstrap knows that of LXC, and then binds those of the machine.
  const variables = emulation.length === 0 ? [] : ['container=lxc']
  await run('env', [...variables, ...emulation, ...debootstrap], { maxBuffer: MAX_OUTPUT_BYTES })
  // Device files of the machine may be bound there; each container has its own.
  await run('sh', ['-c', 'rm -rf "$0"/dev/*', root])
  // As in the slim images of Debian.
  const slim = [
    '/usr/share/doc',
    '/usr/share/man',
    '/usr/share/locale',
    '/var/cache/apt/archives',
    '/var/lib/apt/lists',
  ]
  await run('sh', ['-c', 'cd "$0" && for folder; do rm -rf ".$folder"/*; done', root, ...slim])
  const mounts = [
    { source: stages, target: '/stages' },
    { source: '/etc/resolv.conf', target: '/etc/resolv.conf' },
  ]
  await runInRoot({ lower: [], upper: root, mounts, command: [`/stages/${PACKAGES_SCRIPT}`], emulation })
  rmSync(join(settings, UNSAFE_IO))
  const { stdout } = await run('sh', [
    '-c',
    'tar -C "$0" -c . | gzip | wc -c > "$1"',
    root,
    join(folder, 'compressed-bytes'),
  ])
  if (stdout !== '') throw new Error(`Cannot measure ${root}: ${stdout}`)
}

/** Another process may have been faster: its root folder is as good. */
function keep(folder: string, kept: string): void {
  try {
    renameSync(folder, kept)
  } catch (error) {
    if (!existsSync(kept)) throw error
  }
}

async function hasDebootstrap(): Promise<boolean> {
  return run('sh', ['-c', 'command -v debootstrap']).then(
    () => true,
    () => false,
  )
}

/** A mirror that this machine installs packages from, if it is one of Debian; otherwise Debian's own. */
async function findMirror(): Promise<string | undefined> {
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(SITE)', 'Created-By: Packages']).catch(
    () => ({ stdout: '' }),
  )
  for (const mirror of new Set([...stdout.split('\n').filter(line => line.startsWith('http')), DEFAULT_MIRROR])) {
    const release = `${mirror}/dists/${RELEASE}/Release`
    const response = await fetch(release, { method: 'HEAD', signal: AbortSignal.timeout(MIRROR_TIMEOUT_MS) }).catch(
      () => undefined,
    )
    if (response?.ok === true) return mirror
  }
  return undefined
}
