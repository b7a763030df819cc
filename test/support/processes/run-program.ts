import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { WITHOUT_TAP_LOADER } from '../nodes/node-network.js'
import { PROXY_PROGRAM } from './proxy-process.js'
import { TIMEOUT_FACTOR } from '../nodes/timeout-factor.js'

export interface ProgramResult {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the program to its end with arguments that should let it end by itself; it is killed after 20 s. */
export async function runProgram(
  args: readonly string[],
  { env = process.env, through = [] as readonly string[] } = {},
): Promise<ProgramResult> {
  const before = [...WITHOUT_TAP_LOADER, ...through, process.execPath, PROXY_PROGRAM]
  const child = spawn('/usr/bin/env', [...before, ...args], {
    env,
    timeout: 20_000 * TIMEOUT_FACTOR,
    killSignal: 'SIGKILL',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', chunk => (stdout += String(chunk)))
  child.stderr.on('data', chunk => (stderr += String(chunk)))
  const [exitCode] = (await once(child, 'close')) as [number | null]
  return { exitCode, stdout, stderr }
}
