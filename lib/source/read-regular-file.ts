import { type Stats, constants } from 'node:fs'
import { type FileHandle, access, open, stat } from 'node:fs/promises'

/** ConfigMaps and Secrets have at most 1 MiB: kubeconfigs, tokens and certificates come from there. */
export const MAX_CREDENTIAL_BYTES = 1024 ** 2
const CHUNK_BYTES = 64 * 1024
/** As `ls -l` distinguishes them. */
const KINDS: readonly (readonly [name: string, is: (stats: Stats) => boolean])[] = [
  ['a folder', stats => stats.isDirectory()],
  ['a FIFO', stats => stats.isFIFO()],
  ['a socket', stats => stats.isSocket()],
  ['a device', stats => stats.isCharacterDevice() || stats.isBlockDevice()],
]

/** The content of a file, and what its file system said about it just before. */
export interface FileContent {
  readonly bytes: Buffer
  readonly stats: Stats
}

/**
 * Reads a regular file, or a link to one, as every file of a mounted ConfigMap is. The content of a FIFO, a socket or a device may
 * never end or never come, and the process could not even end while it waits.
 *
 * @throws Error if it is not a regular file, or larger than `maxBytes`, or cannot be read
 */
export async function readRegularFile(path: string, maxBytes: number): Promise<FileContent> {
  // Opening a device may have effects, so look first.
  checkStats(await stat(path), maxBytes)
  // The file may have been replaced since. This flag lets no FIFO wait for its writer.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = await handle.stat()
    checkStats(stats, maxBytes)
    return { bytes: await readAll(handle, maxBytes), stats }
  } finally {
    await handle.close()
  }
}

/** Checks without reading that `readRegularFile` can work. @throws Error */
export async function checkRegularFile(path: string): Promise<void> {
  checkStats(await stat(path), Infinity)
  await access(path, constants.R_OK)
}

function checkStats(stats: Stats, maxBytes: number): void {
  if (!stats.isFile()) {
    const kind = KINDS.find(([, is]) => is(stats))?.[0] ?? 'something else'
    throw new Error(`it is ${kind}, expected a regular file`)
  }
  if (stats.size > maxBytes) throw tooLarge(`${stats.size} bytes`, maxBytes)
}

/** In chunks: a file may grow while it is read, and files of /proc have no size. */
async function readAll(handle: FileHandle, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  for (let total = 0; ;) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, null)
    if (bytesRead === 0) return Buffer.concat(chunks)
    total += bytesRead
    if (total > maxBytes) throw tooLarge('more', maxBytes)
    chunks.push(buffer.subarray(0, bytesRead))
  }
}

function tooLarge(size: string, maxBytes: number): Error {
  return new Error(`it has ${size}, expected at most ${maxBytes} bytes`)
}
