import { readFileSync, writeFileSync } from 'node:fs'

/** A number to write to a file of the kernel. */
export interface KernelWrite {
  readonly file: string
  readonly value: number
}

/** The kernel's settings in files, each a number. */
export interface KernelFiles {
  /** The number in a file; undefined when the file does not exist or has no number. */
  read(file: string): number | undefined
  /** Writes a number to a file. @throws the system's error */
  write(file: string, value: number): void
}

/** The settings of this machine. */
export const kernelFiles: KernelFiles = {
  read: file => {
    try {
      const text = readFileSync(file, 'utf8').trim()
      return /^\d+$/.test(text) ? Number(text) : undefined
    } catch {
      return undefined
    }
  },
  write: (file, value) => writeFileSync(file, String(value), { flag: 'r+' }),
}
