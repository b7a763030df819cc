import { type Stats } from 'node:fs'
import { lstat, readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { messageOf, systemCode } from '../model/failure.js'
import { quoteValue } from '../primitives/quote-value.js'
import { decodeText } from './decode-text.js'
import { readRegularFile } from './read-regular-file.js'

/** Some 30,000 objects in JSON. More is hardly meant for one file, and YAML of this size takes half a minute to parse. */
export const MAX_MANIFEST_BYTES = 16 * 1024 ** 2
const MANIFEST_NAME = /\.(ya?ml|json)$/

/** A file to parse. */
export interface ManifestText {
  readonly file: string
  readonly text: string
}

/** A file or folder that cannot be read, and why. */
export interface UnreadablePath {
  readonly path: string
  readonly problem: string
  /** Whether the operator named it, so that it must exist. */
  readonly isNamed: boolean
}

/** What a look at the files found. */
export interface FilesLook {
  /** All files that exist, in order, also unreadable ones. */
  readonly files: readonly string[]
  /** The files that are new or changed since the last look. */
  readonly changed: readonly ManifestText[]
  readonly unreadable: readonly UnreadablePath[]
  /** Whether a file is left as it was, because a program still writes to it. */
  readonly isSettling: boolean
}

/** The files of all given paths. It remembers what it has read, and reads again only what has changed. */
export class ManifestFiles {
  readonly #paths: readonly string[]
  #signatures = new Map<string, string>()

  /** @param paths files, or folders with `.yaml`, `.yml` and `.json` files */
  constructor(paths: readonly string[]) {
    this.#paths = [...new Set(paths)]
  }

  /** Has the next look read a file again. */
  forget(file: string): void {
    this.#signatures.delete(file)
  }

  /**
   * Looks at all files. Never rejects.
   * @param settleMs a file that changed less than this long ago may be half written, and is left for a later look
   */
  async look(settleMs: number): Promise<FilesLook> {
    let isSettling = false
    const signatures = new Map<string, string>()
    const changed: ManifestText[] = []
    const { found, unreadable } = await listFiles(this.#paths)
    for (const { file, stats: seen, problem, isNamed } of found) {
      const before = this.#signatures.get(file)
      try {
        if (problem !== undefined) throw problem
        if (seen !== undefined && before !== signatureOf(seen)) {
          if (isFresh(seen, settleMs)) {
            isSettling = true
            if (before !== undefined) signatures.set(file, before)
            continue
          }
          const { bytes, stats } = await readRegularFile(file, MAX_MANIFEST_BYTES)
          changed.push({ file, text: decodeText(bytes) })
          signatures.set(file, signatureOf(stats))
        } else if (before !== undefined) signatures.set(file, before)
      } catch (error) {
        // It has no signature, so the next look tries again: the cause (such as permissions) may go without a change of the file.
        unreadable.push({ path: file, problem: `Cannot read ${quoteValue(file)}: ${messageOf(error)}`, isNamed })
      }
    }
    this.#signatures = signatures
    return { files: found.map(({ file }) => file), changed, unreadable, isSettling }
  }
}

interface FoundFile {
  readonly file: string
  readonly isNamed: boolean
  readonly stats?: Stats
  readonly problem?: Error
}

async function listFiles(paths: readonly string[]): Promise<{ found: FoundFile[]; unreadable: UnreadablePath[] }> {
  const found: FoundFile[] = []
  const unreadable: UnreadablePath[] = []
  for (const path of paths) {
    try {
      const stats = await stat(path)
      if (stats.isDirectory()) found.push(...(await listFolder(path)))
      else found.push({ file: path, isNamed: true, stats })
    } catch (error) {
      unreadable.push({ path, problem: `Cannot read ${quoteValue(path)}: ${messageOf(error)}`, isNamed: true })
    }
  }
  return { found: withoutRepeats(found), unreadable }
}

/** A folder and a file in it may both be named. */
function withoutRepeats(found: readonly FoundFile[]): FoundFile[] {
  const byPath = new Map<string, FoundFile>()
  for (const each of found) {
    const path = resolve(each.file)
    const earlier = byPath.get(path)
    byPath.set(path, { ...each, ...earlier, isNamed: each.isNamed || earlier?.isNamed === true })
  }
  return [...byPath.values()]
}

async function listFolder(folder: string): Promise<FoundFile[]> {
  const names = (await readdir(folder)).filter(name => MANIFEST_NAME.test(name) && !name.startsWith('.')).sort()
  const found = await Promise.all(names.map(name => findInFolder(join(folder, name))))
  return found.filter(file => file !== undefined)
}

/** Undefined if the file was removed a moment ago. A link to nothing is a mistake: it may lead to a volume that is not mounted. */
async function findInFolder(file: string): Promise<FoundFile | undefined> {
  try {
    return { file, isNamed: false, stats: await stat(file) }
  } catch (error) {
    const problem = error as Error
    if (systemCode(problem) !== 'ENOENT') return { file, isNamed: false, problem }
    return lstat(file).then(
      () => ({ file, isNamed: false, problem }),
      () => undefined,
    )
  }
}

/** A time in the future says nothing: the clock of a file server may differ. */
function isFresh(stats: Stats, settleMs: number): boolean {
  // Whole milliseconds, as the clock has: a file that was written in this one does not come from the future.
  const ageMs = Date.now() - Math.floor(stats.mtimeMs)
  return stats.isFile() && ageMs >= 0 && ageMs < settleMs
}

/** Changes when the file is written or replaced. */
function signatureOf({ mtimeMs, ctimeMs, size, ino, dev }: Stats): string {
  return `${mtimeMs} ${ctimeMs} ${size} ${ino} ${dev}`
}
