import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Testbed } from '../testbed/testbed.js'

export interface WrkRun {
  readonly connections: number
  readonly seconds: number
  /** Whether each request has its own connection. */
  readonly close: boolean
}

export interface WrkResult {
  readonly requests: number
  readonly seconds: number
  /** Microseconds. */
  readonly p50: number
  readonly p99: number
  /** The errors as text; empty without errors. */
  readonly errors: readonly string[]
}

/** A Lua script prints the results as one JSON line: wrk's own report is only for people. */
const REPORT_SCRIPT = `
done = function(summary, latency)
  local e = summary.errors
  print(string.format('{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), e.connect, e.read, e.write, e.status, e.timeout))
end
`

interface WrkReport {
  readonly requests: number
  readonly microseconds: number
  readonly p50: number
  readonly p99: number
  readonly errors: Readonly<Record<string, number>>
}

/** Sends HTTP requests with wrk as fast as they are answered, from one thread. */
export async function runWrk(
  site: Testbed,
  { ip, port }: { readonly ip: string; readonly port: number },
  { connections, seconds, close }: WrkRun,
): Promise<WrkResult> {
  const folder = mkdtempSync(join(tmpdir(), 'wrk-'))
  try {
    const script = join(folder, 'report.lua')
    writeFileSync(script, REPORT_SCRIPT)
    const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '2s', '-s', script]
    if (close) args.push('-H', 'Connection: close')
    const text = await site.runOnClient('wrk', [...args, `http://${ip}:${port}/`], (seconds + 10) * 1000)
    const line = text.split('\n').find(each => each.startsWith('{"requests"'))
    if (line === undefined) throw new Error(`wrk did not report: ${text.slice(-400)}`)
    const { requests, microseconds, p50, p99, errors } = JSON.parse(line) as WrkReport
    const wrong = Object.entries(errors).filter(([, count]) => count > 0)
    return {
      requests,
      seconds: microseconds / 1e6,
      p50,
      p99,
      errors: wrong.map(([kind, count]) => `${count} ${kind} error${count === 1 ? '' : 's'}`),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
