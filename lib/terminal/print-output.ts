import { ProxyFailure, systemCode } from '../model/failure.js'

/** Resolves when the text is written, with a newline. @throws Error of the system, which `throwOutputFailure` explains */
export function printOutput(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(`${text}\n`, error => (error ? reject(error) : resolve()))
  })
}

/**
 * Explains what a command that prints has failed with. Returns if the reader of a pipe has gone: `kube-proxy status --watch | head` ends
 * with head.
 * @throws ProxyFailure OUTPUT_FAILED, or what it is given
 */
export function throwOutputFailure(error: unknown): void {
  if (error instanceof ProxyFailure) throw error
  if (systemCode(error) === 'EPIPE') return
  if (systemCode(error) === undefined) throw error
  throw new ProxyFailure('OUTPUT_FAILED', 'Cannot write to the standard output', { cause: error })
}
