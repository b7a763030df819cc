import { type ExecFileException } from 'node:child_process'

/** How a run of the command of a kubeconfig ended, in the words of client-go's metric. */
export interface ExecOutcome {
  readonly status: 'no_error' | 'plugin_execution_error' | 'plugin_not_found_error' | 'client_internal_error'
  /** The exit code; -1: a signal ended the command; 1 also if it was never started. */
  readonly code: number
}

/** Takes notice of the commands of kubeconfigs and of the client certificates that they return. */
export interface ExecObserver {
  /** A command has ended, or could not be started. */
  ran(outcome: ExecOutcome): void
  /** A command has returned another client certificate than before. @param ageMs how long the one before had been valid */
  certificateReplaced(ageMs: number): void
  /** Which client certificate is in use now. @param expiresAt milliseconds since 1970; undefined: there is none */
  certificateInUse(expiresAt: number | undefined): void
}

/** What the system says of a program that does not exist or is none. */
const NOT_FOUND = ['ENOENT', 'EACCES']
/** Node.js ended the command, because it wrote too much. */
export const TOO_MUCH_OUTPUT = 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER'

/** Classifies the end of a command. @param error what `execFile` reports; null: exit code 0 */
export function execOutcome(error: ExecFileException | null): ExecOutcome {
  if (error === null) return { status: 'no_error', code: 0 }
  const { code } = error
  if (typeof code !== 'string' || code === TOO_MUCH_OUTPUT)
    return { status: 'plugin_execution_error', code: typeof code === 'number' ? code : -1 }
  return { status: NOT_FOUND.includes(code) ? 'plugin_not_found_error' : 'client_internal_error', code: 1 }
}
