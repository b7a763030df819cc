import { readSync, writeSync } from 'node:fs'
import { systemCode } from '../../model/failure.js'

const EMPTY = new Uint8Array(0)
const ONE_BYTE = new Uint8Array(1)

/**
 * Why the kernel has dropped a TCP connection: ECONNRESET, ETIMEDOUT …, or EPIPE if the peer had finished sending before. It writes
 * nothing, and not by way of the handle: after a shutdown, libuv would always return EPIPE without asking the kernel. The kernel reports
 * this once; a read does not report it any more.
 */
export function reasonOfEnd(descriptor: number): string | undefined {
  return systemCode(errorOf(() => writeSync(descriptor, EMPTY)))
}

/** The error after the last byte of a TCP connection that the kernel has dropped; undefined if the peer had finished sending. */
export function errorAfterData(descriptor: number): Error | undefined {
  return errorOf(() => readSync(descriptor, ONE_BYTE))
}

function errorOf(call: () => void): Error | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    return error as Error
  }
}
