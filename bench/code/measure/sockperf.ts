import { type Testbed } from '../testbed/testbed.js'

export interface SockperfRun {
  /** How many messages are sent in a second, or as many as can be. */
  readonly perSecond: number | 'max'
  readonly seconds: number
}

export interface SockperfResult {
  readonly sent: number
  readonly answered: number
  /** Requests without an answer, those at the very beginning and end not counted: they are still under way. */
  readonly lost: number
  readonly seconds: number
  /** Microseconds there and back. */
  readonly p50: number
  readonly p99: number
}

/** As much as a small request: a name to resolve, say. */
const MESSAGE_BYTES = 64

/** As options of sockperf: buffers large enough that neither end loses what it has no time to read just then. */
export const SOCKPERF_BUFFERS = ['--buffer-size', '2000000']

/** Datagrams from one socket, each answered by the Pod, sent at a rate whether answers come or not, by sockperf. */
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
