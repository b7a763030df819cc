import { ProxyFailure } from '../model/failure.js'
import { summarizeStderr } from '../system/summarize-stderr.js'

/** The failure for an error message of `ip`; quotes the wrong line of a batch when the message names one. */
export function ipFailure(args: readonly string[], stderr: string, input: string): ProxyFailure {
  const number = /^Command failed -:(\d+)$/m.exec(stderr)?.[1]
  const line = number === undefined ? undefined : input.split('\n')[Number(number) - 1]
  const where = line === undefined ? '' : `, at line ${number}: "${line}"`
  return new ProxyFailure('PROGRAM_FAILED', `"ip ${args.join(' ')}" failed${where}: ${summarizeStderr(stderr)}`)
}
