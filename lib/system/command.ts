import { spawn } from 'node:child_process'
import { ProxyFailure, systemCode } from '../model/failure.js'

/** How long a program that was killed may take to be gone, in milliseconds. */
const GRACE_MS = 500

export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  /** Text for the program's standard input. */
  readonly input?: string
  /** Milliseconds after which the program is killed. */
  readonly timeoutMs: number
}

/**
 * Runs a program, never through a shell, and waits for its end. Any exit code is a result.
 *
 * @throws ProxyFailure PROGRAM_MISSING when there is no such program; PROGRAM_FAILED when it could not be started, was
 *   killed, or took longer than the time-out.
 */
export function runCommand(program: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    // In a session of its own: Ctrl-C in a terminal goes to all programs of the foreground, and must not break this one off.
    const child = spawn(program, args, {
      stdio: 'pipe',
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
      detached: true,
    })
    let stdout = ''
    let stderr = ''
    child.on('error', cause => reject(startFailure(program, cause)))
    // Out of descriptors there is a child without pipes, and its error comes later.
    const pipes = child as Partial<typeof child>
    pipes.stdout?.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
    pipes.stderr?.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
    child.on('close', (exitCode, signal) => {
      if (exitCode !== null) return resolve({ exitCode, stdout, stderr })
      const why = signal === 'SIGKILL' ? `: it did not end within ${options.timeoutMs} ms` : ''
      reject(new ProxyFailure('PROGRAM_FAILED', `"${program} ${args.join(' ')}" was killed by ${signal}${why}`))
    })
    // A program that ends without reading its input is judged by its exit code.
    pipes.stdin?.on('error', () => undefined)
    pipes.stdin?.end(options.input ?? '')
    // What the program started may hold its pipes open when it is killed: nobody waits for that.
    const giveUp = setTimeout(() => {
      pipes.stdout?.destroy()
      pipes.stderr?.destroy()
    }, options.timeoutMs + GRACE_MS)
    child.on('close', () => clearTimeout(giveUp))
    child.on('error', () => clearTimeout(giveUp))
  })
}

function startFailure(program: string, cause: Error): ProxyFailure {
  return systemCode(cause) === 'ENOENT'
    ? new ProxyFailure('PROGRAM_MISSING', `Cannot run "${program}": there is no such program in PATH`, { cause })
    : new ProxyFailure('PROGRAM_FAILED', `Cannot start "${program}": ${cause.message}`, { cause })
}
