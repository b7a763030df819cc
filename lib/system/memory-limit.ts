import { totalmem } from 'node:os'

/** Bytes of memory that this process may use: those of the machine, or of its container (cgroup) if they are fewer. */
export function readMemoryLimit(): number {
  const total = totalmem()
  const constrained = process.constrainedMemory()
  // Zero or a huge number: no limit is known.
  return constrained !== undefined && constrained > 0 ? Math.min(total, constrained) : total
}
