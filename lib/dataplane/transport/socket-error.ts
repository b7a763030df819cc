import { systemCode } from '../../model/failure.js'

/** Errors that say that this machine has run out of something; another endpoint would not help. */
const LOCAL_RESOURCE_ERRORS = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRINUSE', 'EAGAIN'])

/** Whether a socket error is ours to worry about; all others are the client's or the Pod's, and no reason to be loud. */
export function isLocalResourceError(error: unknown): boolean {
  const code = systemCode(error)
  return code !== undefined && LOCAL_RESOURCE_ERRORS.has(code)
}

/** Whether a socket error means that this process (or machine) has no descriptors left. */
export function isOutOfDescriptors(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'EMFILE' || code === 'ENFILE'
}
