import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type TeardownScope } from '../../nodes/node-network.js'
import { type BuiltImage } from '../built-image.js'
import { type CommandAnswer, CommandPort } from './command-port.js'
import { type MachineKernel, provideMachineKernel } from './machine-kernel.js'

const PROGRAM = 'qemu-system-aarch64'
/** How long the machine may take to start, and each command to end, in milliseconds. */
const BOOT_MS = 300_000
const COMMAND_MS = 300_000
const MEMORY_MB = 1024
/** One without pointer authentication: emulating that takes half of the time. */
const PROCESSOR = 'cortex-a72'
/** The sources of the scripts are beside the source of this file. */
const SCRIPTS = fileURLToPath(new URL('../../../../../test/support/image', import.meta.url))

/** The reason why no machine for arm64 can be emulated here, or false. */
export const arm64MachineUnavailable =
  spawnSync(PROGRAM, ['--version']).status === 0 ? false : 'needs the Debian package qemu-system-arm'

/** An emulated machine for arm64 that has a kernel of its own, and the layers of an image for its root file system. It has no network. */
export class Arm64Machine {
  readonly #port: CommandPort

  private constructor(port: CommandPort) {
    this.#port = port
  }

  /** Starts it, and resolves when it runs commands. @throws Error with the last lines of its console if it ends before */
  static async start(t: TeardownScope, image: BuiltImage): Promise<Arm64Machine> {
    const folder = mkdtempSync(join(tmpdir(), 'arm64-machine-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    const kernel = await provideMachineKernel(image, folder)
    const path = join(folder, 'port')
    const server = createServer().listen(path)
    await once(server, 'listening')
    const child = spawn(PROGRAM, machineArguments(kernel, image, path), { stdio: ['ignore', 'pipe', 'pipe'] })
    t.teardown(() => {
      child.kill('SIGKILL')
      server.close()
    })
    const ended = failWhenEnded(child)
    const [socket] = (await Promise.race([once(server, 'connection'), ended])) as [Socket]
    const port = new CommandPort(socket, ended)
    await port.waitUntilReady(BOOT_MS)
    return new Arm64Machine(port)
  }

  /** See `CommandPort`. */
  exec(command: string): Promise<CommandAnswer> {
    return this.#port.exec(command, COMMAND_MS)
  }
}

function machineArguments({ kernel, initramfs, modules }: MachineKernel, image: BuiltImage, port: string): string[] {
  const [layer, debian] = image.layers as [string, string]
  const share = (tag: string, path: string): string[] => [
    '-fsdev',
    `local,id=${tag},path=${path},security_model=none,multidevs=remap,readonly=on`,
    '-device',
    `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`,
  ]
  return [
    ...['-no-user-config', '-nodefaults', '-machine', 'virt', '-accel', 'tcg,thread=multi', '-cpu', PROCESSOR],
    ...['-smp', String(Math.min(2, availableParallelism())), '-m', String(MEMORY_MB), '-display', 'none'],
    ...['-nic', 'none', '-no-reboot', '-serial', 'stdio', '-kernel', kernel, '-initrd', initramfs],
    ...['-append', 'console=ttyAMA0 panic=-1 quiet nokaslr mitigations=off audit=0 apparmor=0 nowatchdog'],
    ...['-device', 'virtio-serial-pci', '-chardev', `socket,id=port,path=${port}`],
    ...['-device', 'virtserialport,nr=1,chardev=port,name=port'],
    ...share('debian', debian),
    ...share('layer', layer),
    ...share('modules', modules),
    ...share('scripts', SCRIPTS),
  ]
}

/** Rejects when the machine ends: what it wrote to its console says why. */
async function failWhenEnded(child: ChildProcess): Promise<never> {
  const console: string[] = []
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => console.push(text))
  await once(child, 'close')
  throw new Error(`The machine for arm64 has ended: ${console.join('').split('\n').slice(-20).join('\n')}`)
}
