import { SOCKPERF_BUFFERS } from '../testbed/sockperf-buffers.js'
import { type Testbed } from '../testbed/testbed.js'

export interface SockperfRun {
  /** Messages per second, or as many as possible. */
  readonly perSecond: number | 'max'
  readonly seconds: number
}

export interface SockperfResult {
  readonly sent: number
  readonly answered: number
  /** Requests without an answer, except those at the start and end, whose answers may still be on the way. */
  readonly lost: number
  readonly seconds: number
  /** Round-trip time in microseconds. */
  readonly p50: number
  readonly p99: number
}

/** The size of a small request, such as a DNS query. */
const MESSAGE_BYTES = 64

/** Sends datagrams from one socket with sockperf at a rate that does not depend on answers; the Pod answers each. */
export async function runSockperf(
  site: Testbed,
  { ip, port }: { readonly ip: string; readonly port: number },
  { perSecond, seconds }: SockperfRun,
): Promise<SockperfResult> {
  const args = ['under-load', '-i', ip, '-p', String(port), '-t', String(seconds), '-m', String(MESSAGE_BYTES)]
  args.push(`--mps=${perSecond}`, '--reply-every=1', '--full-rtt', ...SOCKPERF_BUFFERS)
  const text = await site.runOnClient('sockperf', args, (seconds + 10) * 1000)
  const total = /\[Total Run\] RunTime=([\d.]+) sec;.* SentMessages=(\d+); ReceivedMessages=(\d+)/.exec(text)
  const percentile = (which: string): number =>
    Number(new RegExp(`percentile ${which}\\s*=\\s*([\\d.]+)`).exec(text)?.[1] ?? NaN)
  if (total === null) throw new Error(`sockperf did not report: ${text.slice(-400)}`)
  return {
    seconds: Number(total[1]),
    sent: Number(total[2]),
    answered: Number(total[3]),
    lost: Number(/# dropped messages = (\d+)/.exec(text)?.[1] ?? NaN),
    p50: percentile('50.000'),
    p99: percentile('99.000'),
  }
}
