import { readFileSync, writeFileSync } from 'node:fs'

/** One number for one file of the kernel. */
export interface KernelWrite {
  readonly file: string
  readonly value: number
}

/** The kernel's settings, each a file with a number. */
export interface KernelFiles {
  /** Undefined when it is not there or not to be read. */
  read(file: string): number | undefined
  /** @throws the system's error */
  write(file: string, value: number): void
}

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
