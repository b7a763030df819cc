import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { messageOf, systemCode } from '../model/failure.js'
import { type Log } from '../model/log.js'

/** The settings of the network namespace of this process. */
const SYSCTLS = '/proc/sys/net'
/** Where the component `node-settings` of `deploy` mounts them. */
export const MOUNTED_SYSCTLS = '/mnt/node-sysctls'

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
  write: (file, value) => writeFileSync(pathToWrite(file), String(value), { flag: 'r+' }),
}

/**
 * The path at which this process writes a file of the kernel. A container that is not privileged only reads its own `/proc/sys`. It may
 * write at another mount of the same files, as far as its user and capabilities allow.
 */
export function pathToWrite(file: string): string {
  const mounted = file.startsWith(`${SYSCTLS}/`) ? MOUNTED_SYSCTLS + file.slice(SYSCTLS.length) : file
  return existsSync(mounted) ? mounted : file
}

/** A setting of the kernel, and what its change means to an operator. */
export interface KernelSetting extends KernelWrite {
  /** Messages for the log. */
  readonly set: string
  readonly notSet: string
  /** What to do if it cannot be set. */
  readonly hint: string
}

/** Sets a kernel setting unless it has the value already. A failure is a warning: what depends on the setting is not vital. */
export function setKernelFile({ file, value, set, notSet, hint }: KernelSetting, log: Log, files: KernelFiles): void {
  if (files.read(file) === value) return
  try {
    files.write(file, value)
    log.info(0, set)
  } catch (error) {
    log.warn(notSet, { reason: systemCode(error) ?? messageOf(error), hint })
  }
}
