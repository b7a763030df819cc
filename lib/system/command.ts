import { spawn } from 'node:child_process'
import { ProxyFailure, systemCode } from '../model/failure.js'
import { startProcess } from './start-process.js'

/** Milliseconds that a killed program may take to exit. */
const GRACE_MS = 500

/** How a program ended, and its output. */
export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** How to run a program. */
export interface CommandOptions {
  /** Text for the program's standard input. */
  readonly input?: string
  /** Milliseconds after which the program is killed. */
  readonly timeoutMs: number
  /** The package that has the program, for the hint when it is missing. Debian and Ubuntu have it by this name. */
  readonly packageName?: string
}

/**
 * Runs a program without a shell and waits for its end. Any exit code is a result.
 *
 * @throws ProxyFailure PROGRAM_MISSING when the program is not in PATH; PROGRAM_FAILED when it could not start, was killed, or
 *   took longer than the timeout.
 */
export function runCommand(program: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    // In a separate session: Ctrl-C in a terminal signals all foreground programs, and must not interrupt this one.
    const child = startProcess(
      () => spawn(program, args, { stdio: 'pipe', timeout: options.timeoutMs, killSignal: 'SIGKILL', detached: true }),
      cause => reject(startFailure(program, cause, options.packageName)),
    )
    if (child === undefined) return
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
    child.on('close', (exitCode, signal) => {
      if (exitCode !== null) return resolve({ exitCode, stdout, stderr })
      // The kernel kills too, when memory is short.
      const why = child.killed ? `: it did not end within ${options.timeoutMs} ms` : ''
      reject(new ProxyFailure('PROGRAM_FAILED', `"${program} ${args.join(' ')}" was killed by ${signal}${why}`))
    })
    // A program may exit without reading its input: then only its exit code counts.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input ?? '')
    // Children of a killed program may keep its pipes open: do not wait for them.
    const giveUp = setTimeout(() => {
      child.stdout.destroy()
      child.stderr.destroy()
    }, options.timeoutMs + GRACE_MS)
    child.on('close', () => clearTimeout(giveUp))
  })
}

/** The failure of a program that is not in PATH, with a hint when its package is known. */
export function missingProgramFailure(program: string, packageName?: string, cause?: Error): ProxyFailure {
  const hint = `Install the package "${packageName}" (Debian, Ubuntu: apt-get install ${packageName})`
  return new ProxyFailure('PROGRAM_MISSING', `Cannot run "${program}": there is no such program in PATH`, {
    cause,
    ...(packageName !== undefined && { hint }),
  })
}

function startFailure(program: string, cause: Error, packageName: string | undefined): ProxyFailure {
  return systemCode(cause) === 'ENOENT'
    ? missingProgramFailure(program, packageName, cause)
    : new ProxyFailure('PROGRAM_FAILED', `Cannot start "${program}": ${cause.message}`, { cause })
}
