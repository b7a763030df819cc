/** Text that waits to be written, in bytes: some thousand lines. A line costs several times its length in memory. */
const MAX_WAITING_BYTES = 256 * 1024

/**
 * Writes lines to standard error. While its reader does not read, only some lines wait; the others are dropped and counted, so
 * that a log that stands still costs neither memory nor traffic. Also works after the reader has closed it.
 *
 * @param reportDropped writes a line about lines that were dropped, once the reader reads again
 */
export function boundedStderr(reportDropped: (lines: number) => void): (line: string) => void {
  const stream = process.stderr
  // Node.js emits EPIPE on the stream, and without a listener that would end the process.
  if (!stream.listeners('error').includes(ignoreError)) stream.on('error', ignoreError)
  let dropped = 0
  const report = (): void => {
    const lines = dropped
    dropped = 0
    reportDropped(lines)
  }
  return line => {
    if (stream.writableLength <= MAX_WAITING_BYTES) return void stream.write(line)
    if (dropped++ === 0) stream.once('drain', report)
  }
}

function ignoreError(): void {}
