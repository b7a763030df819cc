import { readFileSync } from 'node:fs'

/** Assumed where the kernel does not tell: the usual soft limit of a login shell. */
const FALLBACK_LIMIT = 1024

/** How many files this process may have open. Node raises its soft limit to the hard one at start, so this is all there is. */
export function readDescriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return soft === 'unlimited' ? 1_048_576 : Number(soft ?? FALLBACK_LIMIT)
  } catch {
    return FALLBACK_LIMIT
  }
}
