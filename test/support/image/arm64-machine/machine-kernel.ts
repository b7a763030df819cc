import { execFile } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type BuiltImage } from '../built-image.js'
import { cacheFolder } from '../cache-folder.js'
import { runInRoot } from '../container.js'
import { moduleOrder } from './module-order.js'
import { writeArchive } from './write-archive.js'

const run = promisify(execFile)

/** The source of the script is beside the source of this file. */
const INIT = fileURLToPath(new URL('../../../../../test/support/image/arm64-machine/init.sh', import.meta.url))
/** What the first root file system loads before it can reach another one. */
const BOOT_MODULES = ['virtio_pci', 'virtio_console', '9pnet_virtio', '9p', 'overlay']
/** Of the modules of the kernel, those that a node may need. */
const KEPT = ['net', 'lib', 'crypto', 'fs/9p', 'fs/netfs', 'fs/fscache', 'fs/overlayfs', 'drivers/virtio']
const KEPT_FILES = ['drivers/char/virtio_console.ko', 'drivers/net/veth.ko', 'drivers/net/dummy.ko']
const MODULES = join('lib', 'modules')
/** In the container: names the package that linux-image-arm64 needs, and downloads it and a shell that needs no library. */
const DOWNLOAD = `
apt-get -qq update
kernel=$(apt-cache depends linux-image-arm64 | sed -n 's/^ *Depends: \\(linux-image-[0-9].*\\)/\\1/p')
cd /packages
apt-get -qq download "$kernel" busybox-static`

/** Debian's kernel for arm64. */
export interface MachineKernel {
  readonly kernel: string
  /** The first root file system. */
  readonly initramfs: string
  /** The folder of its modules, of the name of its version. */
  readonly modules: string
}

/**
 * The kernel of the release of an image for arm64. Downloaded once, and kept in the user's cache.
 * @param folder of one machine, for its first root file system: the script is part of it, so it is not kept
 */
export async function provideMachineKernel(image: BuiltImage, folder: string): Promise<MachineKernel> {
  const { kept, version } = await keepMachineKernel(image)
  const modules = join(kept, MODULES, version)
  const initramfs = join(folder, 'initramfs')
  writeFileSync(initramfs, makeInitramfs(kept, modules))
  return { kernel: join(kept, 'boot', `vmlinuz-${version}`), initramfs, modules }
}

/** Downloads the kernel, unless the user's cache has it. @returns its folder there, and its version */
export async function keepMachineKernel(
  image: BuiltImage,
): Promise<{ readonly kept: string; readonly version: string }> {
  const kept = join(cacheFolder(), 'kernel-arm64')
  if (!existsSync(kept)) {
    const folder = mkdtempSync(`${kept}.`)
    try {
      await download(image, folder)
      if (!existsSync(kept)) renameSync(folder, kept)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  const [version] = readdirSync(join(kept, MODULES)) as [string]
  return { kept, version }
}

async function download(image: BuiltImage, folder: string): Promise<void> {
  const [packages, upper] = [join(folder, 'packages'), join(folder, 'upper')]
  for (const path of [packages, upper]) mkdirSync(path)
  await runInRoot({
    ...image.containerOptions(['sh', '-euc', DOWNLOAD]),
    upper,
    mounts: [
      { source: packages, target: '/packages', readOnly: false },
      { source: '/etc/resolv.conf', target: '/etc/resolv.conf' },
    ],
  })
  const unpack = async (pattern: string, paths: readonly string[]): Promise<void> => {
    const script = `dpkg-deb --fsys-tarfile "$0"/${pattern} | tar -x -C "$1" --wildcards "\${@:2}"`
    await run('bash', ['-euc', script, packages, folder, ...paths])
  }
  const modules = './lib/modules/*'
  await unpack('linux-image-*.deb', [
    './boot/vmlinuz-*',
    `${modules}/modules.*`,
    ...KEPT.map(path => `${modules}/kernel/${path}/*`),
    ...KEPT_FILES.map(path => `${modules}/kernel/${path}`),
  ])
  await unpack('busybox-static*.deb', ['./bin/busybox'])
  // The machine cannot write to this folder.
  await runInRoot({
    ...image.containerOptions(['depmod', ...readdirSync(join(folder, MODULES))]),
    mounts: [{ source: join(folder, MODULES), target: '/usr/lib/modules', readOnly: false }],
  })
  for (const path of [packages, upper, `${upper}.work`]) rmSync(path, { recursive: true, force: true })
}

function makeInitramfs(folder: string, modules: string): Buffer {
  const order = moduleOrder(modules, BOOT_MODULES)
  return writeArchive([
    ...['bin', 'dev', 'proc', 'sys', 'root', 'modules'].map(path => ({ path })),
    { path: 'bin/busybox', content: readFileSync(join(folder, 'bin', 'busybox')) },
    { path: 'init', content: readFileSync(INIT) },
    // The shell goes through them in the order of their names.
    ...order.map((file, index) => ({
      path: `modules/${String(index).padStart(2, '0')}-${basename(file)}`,
      content: readFileSync(file),
    })),
  ])
}
