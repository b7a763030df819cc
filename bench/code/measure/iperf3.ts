import { setTimeout as delay } from 'node:timers/promises'
import { type Testbed } from '../testbed/testbed.js'

export interface Iperf3Run {
  readonly streams: number
  readonly seconds: number
  readonly direction: 'to the Pod' | 'from the Pod'
}

export interface Iperf3Result {
  /** Bytes that the receiver got. */
  readonly bytes: number
  readonly seconds: number
  readonly retransmits: number
}

interface Iperf3Report {
  readonly error?: string
  readonly end: {
    readonly sum_sent: { readonly retransmits?: number }
    readonly sum_received: { readonly bytes: number; readonly seconds: number }
  }
}

/** The server accepts one client at a time and refuses others until it is free again. */
const MAX_ATTEMPTS = 5

/** Sends as many bytes as possible with iperf3. */
export async function runIperf3(
  site: Testbed,
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
      const { end, error } = JSON.parse(await site.runOnClient('iperf3', args, (seconds + 10) * 1000)) as Iperf3Report
      if (error !== undefined) throw new Error(`iperf3: ${error}`)
      return {
        bytes: end.sum_received.bytes,
        seconds: end.sum_received.seconds,
        retransmits: end.sum_sent.retransmits ?? 0,
      }
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !(error as Error).message.includes('busy')) throw error
      await delay(100)
    }
  }
}
