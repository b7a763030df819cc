import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

const VM_PROGRAM = join(process.cwd(), '..', 'shared', 'vm', 'vm-run.sh')
/** With one processor, a client, a proxy and Pods under load would delay each other. */
const VM_CPUS = Math.min(2, availableParallelism())

/** The reason why commands cannot run in a virtual machine here, or false. */
export const vmUnavailable = existsSync(VM_PROGRAM) ? false : 'needs ../shared/vm/vm-run.sh'
/** Where a virtual machine has its output folder. */
export const FOLDER_IN_VM = '/vm-out'
/** Whether this program runs in a virtual machine. */
export const isInVm = process.env['VM_RUN'] === '1'

export interface VmOptions {
  /** Time limit in seconds, including the start of the machine. */
  readonly timeoutSeconds: number
  /** Environment variables to pass on. */
  readonly passedVariables?: readonly string[]
  /** A folder that the machine has at `FOLDER_IN_VM`. Other written files are lost at the end. */
  readonly outputFolder?: string
}

/**
 * Starts a command in a virtual machine whose kernel has IPVS, in this folder, and with the files of this machine.
 * The output is piped. The exit code is that of the command, 124 after the time limit, 125 if the machine did not start.
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
