import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { WITHOUT_TAP_LOADER } from '../nodes/node-network.js'
import { PROXY_PROGRAM } from './proxy-process.js'
import { TIMEOUT_FACTOR } from '../nodes/timeout-factor.js'

/** How a program has ended, and what it has printed. */
export interface ProgramResult {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs kube-proxy with arguments with which it exits by itself. Kills it after a minute: longer than a busy machine needs. */
export async function runProgram(
  args: readonly string[],
  { env = process.env, through = [] as readonly string[] } = {},
): Promise<ProgramResult> {
  const before = [...WITHOUT_TAP_LOADER, ...through, process.execPath, PROXY_PROGRAM]
  const child = spawn('/usr/bin/env', [...before, ...args], {
    env,
    timeout: 60_000 * TIMEOUT_FACTOR,
    killSignal: 'SIGKILL',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', chunk => (stdout += String(chunk)))
  child.stderr.on('data', chunk => (stderr += String(chunk)))
  const [exitCode] = (await once(child, 'close')) as [number | null]
  return { exitCode, stdout, stderr }
}
