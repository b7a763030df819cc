import { readFileSync } from 'node:fs'

/** Used when the kernel does not report a limit: the usual soft limit of a login shell. */
const FALLBACK_LIMIT = 1024

/** Number of files that this process may have open. Node raises its soft limit to the hard limit at the start. */
export function readDescriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return soft === 'unlimited' ? 1_048_576 : Number(soft ?? FALLBACK_LIMIT)
  } catch {
    return FALLBACK_LIMIT
  }
}
