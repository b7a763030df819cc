import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cacheFolder } from './cache-folder.js'

const run = promisify(execFile)

const PACKAGE = 'qemu-user-static'
const PROGRAM = 'usr/bin/qemu-aarch64-static'
/** The source of the script is beside the source of this file. */
const SCRIPT = fileURLToPath(new URL('../../../../test/support/image/emulated.sh', import.meta.url))
const DOWNLOAD_TIMEOUT_MS = 120_000

/** Words before a command that let it start programs for arm64. */
export type Emulation = readonly string[]

/**
 * How to start programs for arm64 on a machine of another architecture. One program of Debian's package is kept in the user's cache: the
 * package itself takes 400 MB, and teaches the machine the programs of 30 architectures.
 * @returns the reason why it is not possible here, or the emulation
 */
export async function provideEmulation(): Promise<Emulation | string> {
  try {
    const emulation = ['bash', SCRIPT, await provideProgram()]
    await run(emulation[0]!, [...emulation.slice(1), 'true'])
    return emulation
  } catch (error) {
    const { stderr = String(error) } = error as { stderr?: string }
    return `cannot emulate arm64, which takes ${PACKAGE} and Linux 6.7: ${stderr.trim().split('\n').at(-1)}`
  }
}

async function provideProgram(): Promise<string> {
  const cache = cacheFolder()
  const kept = join(cache, PACKAGE)
  const program = join(kept, PROGRAM)
  if (existsSync(program)) return program
  const folder = mkdtempSync(`${kept}.`)
  try {
    await run('apt-get', ['-qq', 'download', PACKAGE], { cwd: folder, timeout: DOWNLOAD_TIMEOUT_MS })
    const unpack = `dpkg-deb --fsys-tarfile *.deb | tar -x ./${PROGRAM} && rm *.deb`
    await run('sh', ['-c', unpack], { cwd: folder })
    // Another process may have been faster: its program is as good.
    if (!existsSync(program)) renameSync(folder, kept)
    return program
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
