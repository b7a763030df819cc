import { messageOf, systemCode } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type KernelFiles, type KernelWrite } from './kernel-files.js'

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
