import { setTimeout as delay } from 'node:timers/promises'
import { type BenchSite } from '../site/bench-site.js'

export interface Iperf3Run {
  readonly streams: number
  readonly seconds: number
  readonly direction: 'to the Pod' | 'from the Pod'
}

export interface Iperf3Result {
  /** What the receiving side has got. */
  readonly bytes: number
  readonly seconds: number
  readonly retransmits: number
}

interface Report {
  readonly error?: string
  readonly end: {
    readonly sum_sent: { readonly retransmits?: number }
    readonly sum_received: { readonly bytes: number; readonly seconds: number }
  }
}

/** The server takes one client at a time, and a moment to be free again; it has no way to say so but to refuse. */
const ATTEMPTS = 5

/** As many bytes as go through, by iperf3. */
export async function iperf3(
  site: BenchSite,
  { ip, port }: { readonly ip: string; readonly port: number },
  { streams, seconds, direction }: Iperf3Run,
): Promise<Iperf3Result> {
  const args = [
    '-c',
    ip,
    '-p',
    String(port),
    '-t',
    String(seconds),
    '-P',
    String(streams),
    '-J',
    '--connect-timeout',
    '2000',
  ]
  if (direction === 'from the Pod') args.push('-R')
  for (let attempt = 1; ; attempt++) {
    try {
      const { end, error } = JSON.parse(await site.runAtClient('iperf3', args, (seconds + 10) * 1000)) as Report
      if (error !== undefined) throw new Error(`iperf3: ${error}`)
      return {
        bytes: end.sum_received.bytes,
        seconds: end.sum_received.seconds,
        retransmits: end.sum_sent.retransmits ?? 0,
      }
    } catch (error) {
      if (attempt === ATTEMPTS || !(error as Error).message.includes('busy')) throw error
      await delay(100)
    }
  }
}
