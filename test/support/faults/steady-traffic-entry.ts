/**
 * Entry: `steady-traffic-entry.js PLAN`, a `TrafficPlan` as JSON. Sends at fixed times, however long the earlier answers take, until
 * standard input ends. Prints `ready` when the open connections are open, and at the end a `TrafficReport`.
 */
import { createSocket } from 'node:dgram'
import { type Socket, connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { TIMEOUT_FACTOR } from '../nodes/timeout-factor.js'
import { type TrafficPlan } from './steady-traffic.js'
import { TrafficCounter, type TrafficReport, monotonicMs } from './traffic-counts.js'

/** Later answers count as lost. Longer than the pauses of the kernel's first three repeated SYNs: 1, 2 and 4 s. */
const TCP_TIMEOUT_MS = 10_000 * TIMEOUT_FACTOR
/** As long as resolvers usually wait. */
const UDP_TIMEOUT_MS = 5000 * TIMEOUT_FACTOR
/** Pause between two lines on an open connection. */
const LINE_PERIOD_MS = 200 * TIMEOUT_FACTOR

const plan = JSON.parse(process.argv[2]!) as TrafficPlan
const counters = {
  newConnections: new TrafficCounter(),
  openConnections: new TrafficCounter(),
  udpRequests: new TrafficCounter(),
} satisfies TrafficReport
let isOver = false
const over = new Promise<void>(resolve => {
  process.stdin.resume().on('end', () => {
    isOver = true
    resolve()
  })
})

/** Calls `onLate` when an answer is too late. @returns what to call when it has come */
function limitWait(timeoutMs: number, onLate: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  let hasCome = false
  const start = (): void => {
    if (!hasCome) timer = setTimeout(onLate, timeoutMs)
  }
  if (plan.isPatient === true) void over.then(start)
  else start()
  return () => {
    hasCome = true
    clearTimeout(timer)
  }
}

/** Calls `send` `rate` times a second until the end, while at most so many answers are missing, then waits for all answers. */
async function repeat(rate: number, send: () => Promise<void>, mostAtOnce = Infinity): Promise<void> {
  const pending = new Set<Promise<void>>()
  const startedAt = monotonicMs()
  for (let sent = 0; !isOver; await delay(1000 / rate)) {
    const due = ((monotonicMs() - startedAt) / 1000) * rate
    for (; sent < due; sent++) {
      if (pending.size >= mostAtOnce) continue
      const answer: Promise<void> = send().finally(() => pending.delete(answer))
      pending.add(answer)
    }
  }
  await Promise.all(pending)
}

/** Connects, ends its own direction and expects an answer and a clean end. */
function openNewConnection(ip: string, port: number): Promise<void> {
  return new Promise(resolve => {
    const finish = counters.newConnections.attempt()
    let lossReason: string | undefined = 'closed without an answer'
    const socket = connect({ host: ip, port, allowHalfOpen: true })
    const endWait = limitWait(TCP_TIMEOUT_MS, () => socket.destroy(new Error('no answer')))
    socket.on('data', () => (lossReason = undefined))
    socket.on('error', (error: NodeJS.ErrnoException) => (lossReason = error.code ?? error.message))
    socket.on('close', () => {
      endWait()
      finish(lossReason)
      resolve()
    })
    socket.end()
  })
}

/** Sends one datagram from a new port and expects an answer. */
function sendUdpRequest(ip: string, port: number): Promise<void> {
  return new Promise(resolve => {
    const finish = counters.udpRequests.attempt()
    const socket = createSocket(ip.includes(':') ? 'udp6' : 'udp4')
    const end = (lossReason?: string): void => {
      endWait()
      socket.close()
      finish(lossReason)
      resolve()
    }
    const endWait = limitWait(UDP_TIMEOUT_MS, () => end('no answer'))
    socket.once('message', () => end())
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
    socket.connect(port, ip, () => socket.send('hello'))
  })
}

/** A connection that sends a line again and again and expects each back. It counts once, and is lost if it ends or does not answer. */
class OpenConnection {
  readonly #socket: Socket
  #received = ''
  #onData: () => void = () => undefined
  #lossReason: string | undefined

  constructor(ip: string, port: number) {
    counters.openConnections.attempted++
    this.#socket = connect({ host: ip, port })
    this.#socket.on('data', chunk => {
      this.#received += String(chunk)
      this.#onData()
    })
    this.#socket.on('error', (error: NodeJS.ErrnoException) => (this.#lossReason = error.code ?? error.message))
    this.#socket.on('close', () => {
      this.#lossReason ??= 'closed'
      this.#onData()
    })
  }

  /** Sends a line and waits until it is back. @returns whether the connection still works */
  async exchange(line: string): Promise<boolean> {
    const sentAt = monotonicMs()
    this.#received = ''
    const endWait = limitWait(TCP_TIMEOUT_MS, () => this.#socket.destroy(new Error('no answer')))
    if (this.#lossReason === undefined) this.#socket.write(`${line}\n`)
    while (this.#lossReason === undefined && this.#received !== `${line}\n`)
      await new Promise<void>(resolve => (this.#onData = resolve))
    endWait()
    if (this.#lossReason === undefined) counters.openConnections.addAnswer(monotonicMs() - sentAt)
    else counters.openConnections.addLoss(this.#lossReason, sentAt)
    return this.#lossReason === undefined
  }

  async useUntilEnd(): Promise<void> {
    for (let line = 0; await this.exchange(`line ${line}`); line++) {
      if (isOver) break
      // The last line comes after the end, at once.
      await Promise.race([delay(LINE_PERIOD_MS), over])
    }
    this.#socket.destroy()
  }
}

const { newConnections, openConnections, udpRequests } = plan
const open = Array.from(
  { length: openConnections?.count ?? 0 },
  () => new OpenConnection(openConnections!.ip, openConnections!.port),
)
// The first line asks the Pod to return all lines.
await Promise.all(open.map(connection => connection.exchange('echo')))
process.stdout.write('ready\n')
await Promise.all([
  ...open.map(connection => connection.useUntilEnd()),
  newConnections &&
    repeat(
      newConnections.rate,
      () => openNewConnection(newConnections.ip, newConnections.port),
      newConnections.mostAtOnce,
    ),
  udpRequests && repeat(udpRequests.rate, () => sendUdpRequest(udpRequests.ip, udpRequests.port)),
])
process.stdout.write(`${JSON.stringify(counters)}\n`)
process.exit()
