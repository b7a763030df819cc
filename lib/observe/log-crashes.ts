import { type Log } from '../model/log.js'

/**
 * Writes an exception, or a rejection of a promise, that nothing catches as a line of the log, then ends this process with the code
 * that Node.js gives it. Node.js would write it as text over several lines, which a program that reads objects cannot read.
 */
export function logCrashes(log: Log): void {
  // Node.js makes an uncaught exception of an unhandled rejection.
  process.on('uncaughtException', (error: unknown) => {
    // A mistake in the program shows only in the stack, also if the error has a code.
    const stack = error instanceof Error ? error.stack : undefined
    log.error('This process ends because of an unexpected error', error, { stack })
    process.exit(1)
  })
}
