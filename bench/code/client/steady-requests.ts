import { once } from 'node:events'
import { type Socket, connect } from 'node:net'

const REQUEST = 'GET / HTTP/1.1\r\nHost: bench\r\n\r\n'
/** How long to wait for answers after the last request, in milliseconds. */
const ANSWER_TIMEOUT_MS = 5000

export interface SteadyReport {
  readonly sent: number
  readonly answered: number
  /** Microseconds since the request was due, not since it was sent. */
  readonly p50: number
  readonly p99: number
}

interface SteadyConnection {
  readonly socket: Socket
  /** Due times of the requests without an answer, oldest first. */
  readonly dueTimes: number[]
  readonly countAnswers: (count: number) => number
}

/**
 * Sends small HTTP requests at a fixed rate, in turn over some persistent connections, even if earlier ones have no
 * answer yet. All answers of the benchmark's Pods have the same length, so this counts bytes.
 */
export async function runSteadyRequests(
  ip: string,
  port: number,
  perSecond: number,
  seconds: number,
  connections: number,
): Promise<SteadyReport> {
  const tookMs: number[] = []
  const lines = await Promise.all(Array.from({ length: connections }, () => openConnection(ip, port)))
  for (const { socket, dueTimes, countAnswers } of lines) {
    socket.on('data', data => {
      const now = performance.now()
      for (let answers = countAnswers(data.length); answers > 0; answers--) tookMs.push(now - dueTimes.shift()!)
    })
  }
  const sent = await sendAtRate(lines, perSecond, seconds)
  const limit = performance.now() + ANSWER_TIMEOUT_MS
  while (tookMs.length < sent && performance.now() < limit) await new Promise(resolve => setTimeout(resolve, 10))
  for (const { socket } of lines) socket.destroy()
  const sorted = tookMs.map(ms => ms * 1000).sort((a, b) => a - b)
  const at = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? NaN
  return { sent, answered: sorted.length, p50: at(0.5), p99: at(0.99) }
}

/** Sends the due requests each millisecond. @returns their number */
function sendAtRate(lines: readonly SteadyConnection[], perSecond: number, seconds: number): Promise<number> {
  const start = performance.now()
  const target = perSecond * seconds
  let sent = 0
  return new Promise(resolve => {
    const timer = setInterval(() => {
      const passed = performance.now() - start
      for (; sent < Math.min(target, (passed * perSecond) / 1000); sent++) {
        const { socket, dueTimes } = lines[sent % lines.length]!
        dueTimes.push(start + (sent * 1000) / perSecond)
        socket.write(REQUEST)
      }
      if (sent < target) return
      clearInterval(timer)
      resolve(sent)
    }, 1)
  })
}

/** A connection after its first answer, which has the length of all answers. */
async function openConnection(ip: string, port: number): Promise<SteadyConnection> {
  const socket = connect({ host: ip, port, noDelay: true })
  socket.write(REQUEST)
  const [first] = (await once(socket, 'data', { signal: AbortSignal.timeout(10_000) })) as [Buffer]
  // A broken connection has no more answers: they count as missing.
  socket.on('error', () => undefined)
  let left = 0
  const takeBytes = (count: number): number => {
    const answers = Math.floor((left + count) / first.length)
    left = (left + count) % first.length
    return answers
  }
  return { socket, dueTimes: [], countAnswers: takeBytes }
}
