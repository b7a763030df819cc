/**
 * Entry of the clients: `load-entry.js IP PORT RATE OPEN`. Opens OPEN connections and prints `ready`. Then it sends a byte over each
 * of them every second, and starts RATE new connections per second with one request each, at fixed times. When its standard input
 * ends, it prints a `LoadReport`.
 */
import { type Socket, connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { TIMEOUT_FACTOR } from '../../../../test/support/nodes/timeout-factor.js'
import { sharedClockMs } from '../../measure/shared-clock.js'
import { type CutConnection, type LoadReport, type RequestRecord } from './load-report.js'

const REQUEST_TIMEOUT_MS = 10_000 * TIMEOUT_FACTOR
/** An open connection whose byte has not come back for this long is lost. */
const SILENCE_MS = 5000 * TIMEOUT_FACTOR
const BYTE_INTERVAL_MS = 1000
/** How many of the open connections are opened at the same time. */
const OPENING_WIDTH = 25

const [ip, port, rate, open] = process.argv.slice(2) as [string, string, string, string]
const requests: RequestRecord[] = []
const cuts: CutConnection[] = []
let isOver = false
process.stdin.resume().on('end', () => (isOver = true))

for (let opened = 0; opened < Number(open); opened += OPENING_WIDTH)
  await Promise.all(Array.from({ length: Math.min(OPENING_WIDTH, Number(open) - opened) }, openConnection))
process.stdout.write('ready\n')

const startedAt = performance.now()
const running: Promise<void>[] = []
while (!isOver) {
  const due = ((performance.now() - startedAt) / 1000) * Number(rate)
  while (running.length < due) running.push(sendRequest())
  await pause(1000 / Number(rate))
}
await Promise.all(running)
const report: LoadReport = { requests, open: Number(open), cuts }
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit())

/** Connects, sends a line, and ends the connection when the line has come back. */
function sendRequest(): Promise<void> {
  return new Promise(resolve => {
    const startedAt = sharedClockMs()
    let outcome = 'closed without an answer'
    const socket = connect({ host: ip, port: Number(port) }, () => socket.write('echo\n'))
    const timer = setTimeout(() => {
      outcome = `no answer in ${REQUEST_TIMEOUT_MS / 1000} s`
      socket.destroy()
    }, REQUEST_TIMEOUT_MS)
    socket.on('data', () => {
      outcome = 'answered'
      socket.end()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => (outcome = error.code ?? error.message))
    socket.on('close', () => {
      clearTimeout(timer)
      requests.push({ startedAt, endedAt: sharedClockMs(), outcome })
      resolve()
    })
  })
}

/** Resolves when the connection has carried data in both directions; from then on it sends a byte every second. */
function openConnection(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: ip, port: Number(port) }, () => socket.write('echo\n'))
    socket.once('data', () => {
      exchangeBytes(socket)
      resolve()
    })
    socket.once('error', reject).once('close', () => reject(new Error('A connection ended before the first byte')))
  })
}

function exchangeBytes(socket: Socket): void {
  let reason = 'closed'
  let waitingSince: number | undefined
  const timer = setInterval(() => {
    if (waitingSince !== undefined && performance.now() - waitingSince > SILENCE_MS) {
      reason = 'silent'
      socket.destroy()
    } else if (socket.writable) {
      waitingSince ??= performance.now()
      socket.write('x')
    }
  }, BYTE_INTERVAL_MS)
  socket.on('data', () => (waitingSince = undefined))
  socket.on('error', (error: NodeJS.ErrnoException) => (reason = error.code ?? error.message))
  socket.on('close', () => {
    clearInterval(timer)
    cuts.push({ at: sharedClockMs(), reason })
  })
}
