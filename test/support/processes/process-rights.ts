import { readFileSync } from 'node:fs'

/** What the kernel says that a process may do: its sets of capabilities, its user, and whether a program can give it more. */
export interface ProcessRights {
  /** Inherited, permitted, effective, bounding, ambient: of each, bit n is the capability with number n. */
  readonly sets: readonly bigint[]
  readonly userId: number
  readonly noNewPrivileges: boolean
}

/** No capability, and no way to get one. */
export const NO_CAPABILITIES = { sets: [0n, 0n, 0n, 0n, 0n], noNewPrivileges: true }

/** Reads the rights of a process. */
export function rightsOf(pid: number): ProcessRights {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)![1]!
  return {
    sets: ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map(name => BigInt(`0x${field(name)}`)),
    userId: Number(field('Uid')),
    noNewPrivileges: field('NoNewPrivs') === '1',
  }
}
