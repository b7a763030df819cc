import { writeSync } from 'node:fs'
import { systemCode } from '../../model/failure.js'

const EMPTY = new Uint8Array(0)

/**
 * Why the kernel has dropped a TCP connection: ECONNRESET, ETIMEDOUT …, or EPIPE if the peer had finished sending before. It writes
 * nothing, and not by way of the handle: after a shutdown, libuv would always return EPIPE without asking the kernel.
 */
export function reasonOfEnd(descriptor: number): string | undefined {
  try {
    writeSync(descriptor, EMPTY)
    return undefined
  } catch (error) {
    return systemCode(error)
  }
}
