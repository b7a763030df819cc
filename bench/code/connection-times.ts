/**
 * Entry of the `stalls` benchmark: opens one connection after the other to a Service and measures each, from the first
 * packet to the end of the answer. For each line that it reads, it prints a JSON line with the times since the line before.
 *
 *     connection-times.js IP PORT
 */
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

const [ip, port] = process.argv.slice(2) as [string, string]
/** Milliseconds between connections: short enough to see every stall, long enough to be no load. */
const PAUSE_MS = 2
let times: number[] = []
let failed = 0

function next(): void {
  const startedAt = performance.now()
  const socket = connect({ host: ip, port: Number(port) })
  socket.on('error', () => failed++)
  socket.on('close', () => {
    times.push(performance.now() - startedAt)
    setTimeout(next, PAUSE_MS)
  })
  socket.resume()
  socket.end()
}

next()
for await (const _ of createInterface({ input: process.stdin })) {
  const sorted = times.sort((a, b) => a - b)
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0
  process.stdout.write(
    `${JSON.stringify({ count: sorted.length, failed, median: at(0.5), p99: at(0.99), longest: sorted.at(-1) ?? 0 })}\n`,
  )
  times = []
  failed = 0
}
