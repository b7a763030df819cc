import { getSystemErrorName } from 'node:util'

/** An error as Node makes it of a failed system call. @param status libuv's number, which is negative */
export function systemError(call: string, status: number): Error {
  const code = getSystemErrorName(status)
  return Object.assign(new Error(`${call} ${code}`), { code, errno: status, syscall: call })
}
