import { systemCode } from '../model/failure.js'

/** Errors that say that this machine has run out of something; another endpoint would not help. */
const OURS = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRINUSE', 'EAGAIN'])

/** Whether a socket error is ours to worry about; all others are the client's or the Pod's, and no reason to be loud. */
export function isOurs(error: unknown): boolean {
  const code = systemCode(error)
  return code !== undefined && OURS.has(code)
}

/** Whether a socket error means that this process (or machine) has no descriptors left. */
export function isOutOfDescriptors(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'EMFILE' || code === 'ENFILE'
}
