/** A file or, without content, a folder of an archive. */
export interface ArchiveEntry {
  /** Relative to the root folder. */
  readonly path: string
  readonly content?: Buffer
}

const [FOLDER_MODE, PROGRAM_MODE] = [0o40_755, 0o100_755]
const END: ArchiveEntry = { path: 'TRAILER!!!', content: Buffer.alloc(0) }

/** An archive in the format "newc" of cpio, as the kernel reads its first root file system (Documentation/driver-api/early-userspace). */
export function writeArchive(entries: readonly ArchiveEntry[]): Buffer {
  return Buffer.concat([...entries, END].flatMap((entry, index) => writeEntry(entry, index + 1)))
}

function writeEntry({ path, content }: ArchiveEntry, inode: number): Buffer[] {
  const mode = content === undefined ? FOLDER_MODE : PROGRAM_MODE
  const size = content?.length ?? 0
  const name = Buffer.from(`${path}\0`)
  // inode, mode, user, group, links, time, size, device (2), device that it stands for (2), length of the name, checksum
  const fields = [inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name.length, 0]
  const header = Buffer.from(`070701${fields.map(field => field.toString(16).padStart(8, '0')).join('')}`)
  return [pad(Buffer.concat([header, name])), pad(content ?? Buffer.alloc(0))]
}

function pad(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)])
}
