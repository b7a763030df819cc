import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

const VM_PROGRAM = join(process.cwd(), '..', 'shared', 'vm', 'vm-run.sh')
/** With one, a client, a proxy and Pods under load stand in each other's way, where the machine does other work besides. */
const VM_CPUS = Math.min(2, availableParallelism())

/** Why commands cannot be run in a virtual machine, or false. */
export const vmUnavailable = existsSync(VM_PROGRAM) ? false : 'needs ../shared/vm/vm-run.sh'
/** Whether this program runs in one. */
export const isInVm = process.env['VM_RUN'] === '1'

export interface VmOptions {
  /** Seconds for all of it, the start of the machine included. */
  readonly timeoutSeconds: number
  /** Variables that are handed on. */
  readonly passedVariables?: readonly string[]
  /** A folder that is /vm-out there. Whatever is written anywhere else is gone at the end. */
  readonly outputFolder?: string
}

/**
 * Starts a command in a virtual machine of its own, whose kernel has IPVS, in this folder, and with the files of this machine.
 * Its output is piped; the exit code is the command's, 124 when it took too long, 125 when there was no machine.
 */
export function startInVm(
  command: string,
  { timeoutSeconds, passedVariables = [], outputFolder }: VmOptions,
): ChildProcess {
  const env = {
    ...process.env,
    VM_TIMEOUT: String(timeoutSeconds),
    VM_CPUS: String(VM_CPUS),
    VM_ENV: passedVariables.join(' '),
    ...(outputFolder !== undefined && { VM_OUT: outputFolder }),
  }
  return spawn(VM_PROGRAM, [command], { env, stdio: ['ignore', 'pipe', 'pipe'] })
}
