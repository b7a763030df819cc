/** The kernel keeps the path of a Unix socket in 108 bytes, with a zero at the end. */
const MAX_BYTES = 107

/**
 * Why a path cannot be that of a Unix socket; undefined: it can. Node.js does not refuse such a path: it connects to port 80 of this machine
 * if the path is empty, and to the socket at its first 108 bytes if it is longer.
 */
export function socketPathProblem(path: string): string | undefined {
  if (path === '') return 'the path is empty'
  if (Buffer.byteLength(path) <= MAX_BYTES) return undefined
  return `the path is longer than the ${MAX_BYTES} bytes that a Unix socket can have`
}
